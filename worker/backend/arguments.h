#pragma once
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <unordered_map>
#include <utility>

#include <remote/wire/value.h>
#include <worker/backend/generators.h>
#include <worker/backend/operation.h>
#include <worker/backend/storage_table.h>

namespace remote::worker {

/// A tensor over a storage. Throws c10::Error for sizes that LibTorch does not take.
at::Tensor make_view(const Device& device, const c10::Storage& storage, const wire::TensorRef& ref);
/// A tensor without elements and without memory, for an op to give it both.
at::Tensor make_empty(Device& device, c10::ScalarType dtype);

/// The views that one op got, so that what is one tensor for the client is one for the op. The cost of a list grows
/// with its length, whether its tensors share a storage or not.
class ViewsOfOp {
 public:
  /// The tensor that stands for the same view already, else this one.
  at::Tensor one_of_same(at::Tensor view);
  void clear();

 private:
  c10::SmallVector<at::Tensor, 4> views_;
  std::unordered_multimap<size_t, size_t> by_place_;  // storage and offset, into views_; once they are many
};

/// Turns the references of one run into tensors over the session's storages, and remembers what the op is about to
/// write. Reused from run to run. What can't be used is noted, and answered with an undefined tensor, so that the
/// stream stays in step.
class Arguments final : public wire::ArgumentResolver {
 public:
  /// A tensor that the op writes.
  struct Written {
    StorageEntry* entry;
    bool fresh;   ///< the storage was made for this op
    bool covers;  ///< the op writes all of the storage
    bool bind;    ///< `tensor` is empty: what the op makes of it becomes the storage
    bool usable;  ///< `tensor` is there
    wire::TensorRef ref;
    at::Tensor tensor;
  };

  Arguments(Device& device, StorageTable& storages, Generators& generators)
      : device_(device), storages_(storages), generators_(generators) {}

  /// Before a run's arguments are read.
  void begin(const Operation& operation);
  /// Lets go of every tensor.
  void end();

  at::Tensor resolve(const wire::TensorRef& ref, size_t argument) override;
  at::Generator resolve_generator(uint64_t id) override;
  c10::Device device() const override { return device_.device(); }

  /// A tensor outside of an op, to be read: for a fetch. Undefined when problem() or root() says why.
  at::Tensor resolve_input(const wire::TensorRef& ref);

  /// The first argument that can't be used, unless that is because of an earlier error.
  const Status& problem() const { return problem_; }
  void set_problem(Status status);
  /// The earlier error that an argument depends on; null if none does.
  const RootErrorPtr& root() const { return root_; }
  c10::SmallVectorImpl<Written>& written() { return written_; }
  /// The storages that were made for this op to fill, or that could not be made: without it they hold nothing that
  /// anybody could want.
  const c10::SmallVectorImpl<StorageEntry*>& unfilled() const { return unfilled_; }

 private:
  StorageEntry* find_or_add(const wire::TensorRef& ref);
  at::Tensor one_of_same(at::Tensor view) {
    return operation_->compares_arguments ? views_.one_of_same(std::move(view)) : view;
  }
  bool check_view(const wire::TensorRef& ref, const StorageEntry& entry);

  Device& device_;
  StorageTable& storages_;
  Generators& generators_;
  const Operation* operation_ = nullptr;
  Status problem_;
  RootErrorPtr root_;
  c10::SmallVector<Written, 4> written_;
  c10::SmallVector<StorageEntry*, 4> unfilled_;
  ViewsOfOp views_;  // where the op compares its arguments
};

}  // namespace remote::worker
