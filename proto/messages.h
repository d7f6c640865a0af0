#pragma once
#include <grpcpp/support/status.h>

#include <remote/base/status.h>
#include <remote/wire/record.h>
#include <remote/wire/reply.h>

#include "remote/v1/worker.pb.h"

/// Between the structs of wire/ and the protobuf messages that carry them. What is read comes from the network: values
/// out of range are replaced or refused, never trusted.
namespace remote::proto {

void write(const wire::Hello& hello, v1::Hello& out);
wire::Hello read(const v1::Hello& message);

void write(const wire::Welcome& welcome, std::string_view token, v1::Welcome& out);
wire::Welcome read(const v1::Welcome& message);

/// Moves the records' bytes.
void write(wire::Batch batch, v1::Batch& out);
wire::Batch read(v1::Batch& message);

void write(wire::Reply reply, v1::Reply& out);
/// INVALID_ARGUMENT where an output's description has no meaning (an unknown dtype, too many dimensions).
StatusOr<wire::Reply> read(v1::Reply& message);

void write(const Status& status, v1::Status& out);
Status read(const v1::Status& message);

/// Codes have the same numbers on both sides.
grpc::Status to_grpc(const Status& status);
Status from_grpc(const grpc::Status& status);

}  // namespace remote::proto
