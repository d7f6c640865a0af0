#include <proto/chunk.h>

#include <array>

namespace remote::proto {
namespace {

// The tags of remote.v1.Chunk's fields: number << 3 | wire type.
constexpr uint8_t kTransferTag = 1 << 3 | 0, kTotalTag = 2 << 3 | 0, kOffsetTag = 3 << 3 | 0, kDataTag = 4 << 3 | 2;
constexpr size_t kMaxHeaderBytes = 4 * (1 + 10);

class HeaderWriter {
 public:
  void field(uint8_t tag, uint64_t value) {
    bytes_[size_++] = tag;
    for (; value >= 0x80; value >>= 7) bytes_[size_++] = static_cast<uint8_t>(value | 0x80);
    bytes_[size_++] = static_cast<uint8_t>(value);
  }
  grpc::Slice slice() const { return {bytes_.data(), size_}; }

 private:
  std::array<uint8_t, kMaxHeaderBytes> bytes_;
  size_t size_ = 0;
};

grpc::ByteBuffer assemble(const wire::Chunk& chunk, grpc::Slice data) {
  HeaderWriter header;
  header.field(kTransferTag, chunk.transfer);
  header.field(kTotalTag, chunk.total_bytes);
  header.field(kOffsetTag, chunk.offset);
  header.field(kDataTag, chunk.bytes.size());
  const grpc::Slice slices[] = {header.slice(), std::move(data)};
  return {slices, 2};
}

/// Reads protobuf's encoding from slices. After the first field that does not fit, ok() is false.
class SliceReader {
 public:
  explicit SliceReader(const std::vector<grpc::Slice>& slices) : slices_(slices) {
    for (const grpc::Slice& slice : slices_) remaining_ += slice.size();
  }

  bool ok() const { return ok_; }
  uint64_t remaining() const { return remaining_; }
  void fail() { ok_ = false, remaining_ = 0; }

  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      uint8_t byte = 0;
      each_piece(1, [&](std::string_view piece) { byte = static_cast<uint8_t>(piece[0]); });
      if (!ok_) return 0;
      value |= uint64_t{byte & 0x7fu} << std::min(shift, 63);
      if ((byte & 0x80) == 0) return value;
    }
    fail();
    return 0;
  }

  template <class Visit>
  void each_piece(uint64_t bytes, const Visit& visit) {
    if (!ok_ || bytes > remaining_) return fail();
    remaining_ -= bytes;
    while (bytes > 0) {
      const grpc::Slice& slice = slices_[slice_index_];
      const size_t size = std::min<uint64_t>(bytes, slice.size() - position_);
      if (size > 0) visit(std::string_view(reinterpret_cast<const char*>(slice.begin()) + position_, size));
      bytes -= size;
      position_ += size;
      if (position_ == slice.size()) ++slice_index_, position_ = 0;
    }
  }

  void skip(uint8_t wire_type) {
    const auto nothing = [](std::string_view) {};
    switch (wire_type) {
      case 0: varint(); break;
      case 1: each_piece(8, nothing); break;
      case 2: each_piece(varint(), nothing); break;
      case 5: each_piece(4, nothing); break;
      default: fail();
    }
  }

 private:
  const std::vector<grpc::Slice>& slices_;
  size_t slice_index_ = 0;
  size_t position_ = 0;
  uint64_t remaining_ = 0;
  bool ok_ = true;
};

}  // namespace

grpc::ByteBuffer write_chunk(const wire::Chunk& chunk) {
  return assemble(chunk, grpc::Slice(chunk.bytes.data(), chunk.bytes.size()));
}

grpc::ByteBuffer write_chunk(const wire::Chunk& chunk, std::shared_ptr<const void> owner) {
  using Owner = std::shared_ptr<const void>;
  return assemble(chunk, grpc::Slice(const_cast<char*>(chunk.bytes.data()), chunk.bytes.size(),
                                     [](void* owner) { delete static_cast<Owner*>(owner); },
                                     new Owner(std::move(owner))));
}

Status ReceivedChunk::parse(grpc::ByteBuffer& buffer) {
  pieces_.clear();
  slices_.clear();
  if (!buffer.Dump(&slices_).ok()) return {StatusCode::kInternal, "a message of bulk data could not be unpacked"};
  buffer.Clear();

  SliceReader in(slices_);
  wire::Chunk fields;
  uint64_t data_bytes = 0;
  while (in.ok() && in.remaining() > 0) {
    const uint64_t tag = in.varint();
    switch (tag) {
      case kTransferTag: fields.transfer = in.varint(); break;
      case kTotalTag: fields.total_bytes = in.varint(); break;
      case kOffsetTag: fields.offset = in.varint(); break;
      case kDataTag: {
        data_bytes = in.varint();
        // A field may come twice in protobuf, and the last one counts.
        pieces_.clear();
        in.each_piece(data_bytes, [&](std::string_view piece) { pieces_.push_back({0, 0, 0, piece}); });
        break;
      }
      default: tag == 0 ? in.fail() : in.skip(tag & 7);
    }
  }
  if (!in.ok() || data_bytes > wire::kChunkBytes) {
    pieces_.clear();
    return {StatusCode::kInvalidArgument, in.ok() ? "a chunk of " + std::to_string(data_bytes) +
                                                        " bytes came; at most " + std::to_string(wire::kChunkBytes) +
                                                        " are allowed"
                                                  : "bytes came on the bulk connection that are no Chunk message"};
  }
  if (pieces_.empty()) pieces_.push_back({});
  uint64_t offset = fields.offset;
  for (wire::Chunk& piece : pieces_) {
    piece.transfer = fields.transfer;
    piece.total_bytes = fields.total_bytes;
    piece.offset = offset;
    offset += piece.bytes.size();
  }
  return {};
}

}  // namespace remote::proto
