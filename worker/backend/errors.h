#pragma once
#include <c10/util/Exception.h>

#include <exception>
#include <string>
#include <string_view>

#include <remote/base/status.h>
#include <remote/wire/bytes.h>
#include <remote/wire/tensor_ref.h>
#include <worker/backend/operation.h>
#include <worker/backend/storage_table.h>

namespace remote::worker {

/// What LibTorch, or anything that it calls, has thrown: the code, and the first sentence or two of the text, without
/// stack frames.
Status status_of(const std::exception& error);

/// "Float[2, 3]"; with strides and offset where they are not those of a dense tensor.
std::string describe(const wire::TensorRef& ref);

/// Where an op stood in its stream.
struct OperationPlace {
  uint64_t sequence = 0;
  std::string_view scope;
  std::string_view worker;
};

/// The text of a failing op: what went wrong, its tensors, the scope and parameters that it belongs to, its place.
/// `arguments` are the bytes of its arguments.
Status describe_failure(const Operation& operation, const Status& status, wire::ByteReader arguments,
                        const StorageTable& storages, const OperationPlace& place);

/// What LibTorch warned of while an op ran: its text, the op, its scope and the worker. The same each time that the op
/// does it again, so that a program can tell repetitions.
std::string describe_warning(const c10::Warning& warning, const Operation& operation, const OperationPlace& place);

}  // namespace remote::worker
