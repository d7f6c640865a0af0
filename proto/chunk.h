#pragma once
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <vector>

#include <remote/base/status.h>
#include <remote/wire/reply.h>

/// The message remote.v1.Chunk, written and read without protobuf's objects: those would copy every byte of a transfer
/// twice more on each side. The bytes are the same that protobuf would write.
namespace remote::proto {

/// Copies the chunk's bytes.
grpc::ByteBuffer write_chunk(const wire::Chunk& chunk);
/// Refers to the chunk's bytes; `owner` keeps them alive until gRPC has sent them.
grpc::ByteBuffer write_chunk(const wire::Chunk& chunk, std::shared_ptr<const void> owner);

/// A chunk as it arrived. Owns the bytes; they may lie in several pieces, which together are one chunk.
class ReceivedChunk {
 public:
  /// INVALID_ARGUMENT for bytes that are no Chunk, or one longer than wire::kChunkBytes. Fields that it does not know
  /// are skipped. `buffer` is empty afterwards.
  Status parse(grpc::ByteBuffer& buffer);
  /// The bytes, in order; each piece says where in the transfer it belongs. Without bytes, one empty piece. Valid until
  /// the next parse().
  const std::vector<wire::Chunk>& pieces() const { return pieces_; }

 private:
  std::vector<grpc::Slice> slices_;
  std::vector<wire::Chunk> pieces_;
};

}  // namespace remote::proto
