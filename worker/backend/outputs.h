#pragma once
#include <ATen/core/stack.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <vector>

#include <remote/base/status.h>
#include <remote/wire/tensor_ref.h>
#include <worker/backend/arguments.h>
#include <worker/backend/storage_table.h>

namespace remote::worker {

/// Puts what an op has produced where the client expects it. A result's memory is taken over where nobody else holds it
/// and its layout is the declared one; else it is copied. Everything here throws what LibTorch throws.
class Outputs {
 public:
  Outputs(Device& device, StorageTable& storages) : device_(device), storages_(storages) {}

  /// Checks that an argument that the op has written still is what the client thinks it is, and gives a fresh one its
  /// storage.
  Status settle(Arguments::Written& written);
  /// Makes the declared storages from what the op left on the stack; `entries` are the ones added for the declarations,
  /// null where nothing is wanted.
  Status declared(const torch::jit::Stack& stack, c10::ArrayRef<wire::OutputDeclaration> declarations,
                  c10::ArrayRef<StorageEntry*> entries);
  /// Makes storages first_id, first_id + 1, ... from what the op left on the stack, and says what they are.
  Status asked(const torch::jit::Stack& stack, uint64_t first_id, std::vector<wire::OutputMeta>& metas);

  /// Results that could not be taken over.
  uint64_t copied() const { return copied_; }

 private:
  Status adopt_declared(const at::Tensor& result, const wire::OutputDeclaration& declaration, StorageEntry& entry);
  Status adopt_asked(const at::Tensor& result, uint64_t id, wire::OutputMeta& meta);
  Status check_result(const at::Tensor& result) const;
  bool is_sole_owner(const at::Tensor& result) const;
  c10::Storage copy(const at::Tensor& from, const wire::TensorRef& layout, uint64_t bytes);

  Device& device_;
  StorageTable& storages_;
  uint64_t copied_ = 0;
};

}  // namespace remote::worker
