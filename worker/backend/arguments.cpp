#include <worker/backend/arguments.h>

#include <c10/core/TensorImpl.h>
#include <c10/util/hash.h>

#include <worker/backend/errors.h>

namespace remote::worker {
namespace {

/// Whether a view has every byte of its storage, each once.
bool covers_all(const wire::TensorRef& ref, uint64_t elements, uint64_t extent_bytes, uint64_t storage_bytes) {
  if (ref.offset != 0 || extent_bytes != storage_bytes) return false;
  return elements * c10::elementSize(ref.dtype) == storage_bytes;
}

bool is_same_view(const at::Tensor& a, const at::Tensor& b) {
  return a.storage_offset() == b.storage_offset() && a.is_alias_of(b) && a.sizes() == b.sizes() &&
         a.strides() == b.strides() && a.dtype() == b.dtype() && a.is_conj() == b.is_conj() && a.is_neg() == b.is_neg();
}

size_t place_of(const at::Tensor& view) {
  return c10::get_hash(view.storage().unsafeGetStorageImpl(), view.storage_offset());
}

/// How many views are compared one by one.
constexpr size_t kFewViews = 16;

}  // namespace

at::Tensor ViewsOfOp::one_of_same(at::Tensor view) {
  if (views_.size() < kFewViews) {
    for (const at::Tensor& other : views_) {
      if (is_same_view(other, view)) return other;
    }
  } else {
    if (by_place_.empty()) {
      for (size_t i = 0; i < views_.size(); ++i) by_place_.emplace(place_of(views_[i]), i);
    }
    const size_t place = place_of(view);
    for (auto [found, end] = by_place_.equal_range(place); found != end; ++found) {
      if (is_same_view(views_[found->second], view)) return views_[found->second];
    }
    by_place_.emplace(place, views_.size());
  }
  views_.push_back(view);
  return view;
}

void ViewsOfOp::clear() {
  views_.clear();
  by_place_.clear();
}

at::Tensor make_view(const Device& device, const c10::Storage& storage, const wire::TensorRef& ref) {
  auto impl =
      c10::make_intrusive<c10::TensorImpl>(c10::Storage(storage), device.keys(), c10::scalarTypeToTypeMeta(ref.dtype));
  impl->set_sizes_and_strides(ref.sizes, ref.strides, ref.offset);
  if (ref.conj) impl->_set_conj(true);
  if (ref.neg) impl->_set_neg(true);
  return at::Tensor(std::move(impl));
}

at::Tensor make_empty(Device& device, c10::ScalarType dtype) {
  return at::Tensor(
      c10::make_intrusive<c10::TensorImpl>(device.allocate(0), device.keys(), c10::scalarTypeToTypeMeta(dtype)));
}

void Arguments::begin(const Operation& operation) {
  operation_ = &operation;
  end();
}

void Arguments::end() {
  if (!problem_.ok()) problem_ = {};
  root_.reset();
  written_.clear();
  views_.clear();
  unfilled_.clear();
}

void Arguments::set_problem(Status status) {
  if (problem_.ok()) problem_ = std::move(status);
}

StorageEntry* Arguments::find_or_add(const wire::TensorRef& ref) {
  if (!ref.fresh) {
    StorageEntry* entry = storages_.find(ref.storage);
    if (entry == nullptr) {
      set_problem({StatusCode::kNotFound, "storage " + std::to_string(ref.storage) +
                                              " is not in this session: it was never made, or was released"});
    }
    return entry;
  }
  auto added = storages_.add(ref.storage, ref.fresh_bytes);
  if (!added.ok()) {
    set_problem(added.status());
    // Without its bytes, so that what uses it later is told of this error.
    added = storages_.add(ref.storage, 0);
    if (!added.ok()) return nullptr;
    unfilled_.push_back(*added);
  }
  return *added;
}

bool Arguments::check_view(const wire::TensorRef& ref, const StorageEntry& entry) {
  uint64_t extent = 0;
  if (!wire::view_extent_bytes(ref.sizes, ref.strides, ref.offset, c10::elementSize(ref.dtype), &extent) ||
      extent > entry.bytes) {
    set_problem({StatusCode::kOutOfRange, "the view " + describe(ref) + " reaches beyond its storage of " +
                                              std::to_string(entry.bytes) + " bytes"});
    return false;
  }
  if (ref.conj && !c10::isComplexType(ref.dtype)) {
    set_problem({StatusCode::kInvalidArgument, "the view " + describe(ref) + " is conjugated and not complex"});
    return false;
  }
  return true;
}

at::Tensor Arguments::resolve(const wire::TensorRef& ref, size_t argument) {
  const Operation::Argument& info = operation_->arguments[argument];
  StorageEntry* entry = find_or_add(ref);
  if (entry == nullptr) return {};
  if (!info.writes) {
    if (!entry->healthy()) {
      if (!root_) root_ = entry->error;
      return {};
    }
    if (entry->is_opaque) return entry->opaque;
  }
  const auto elements = wire::view_elements(ref.sizes);
  if (!elements) {
    set_problem({StatusCode::kOutOfRange, "the view " + describe(ref) + " has more elements than a worker takes"});
    return {};
  }
  if (info.writes && entry->is_opaque) {
    set_problem({StatusCode::kInvalidArgument, "argument " + info.name + " is opaque, and an op can't write into it"});
    return {};
  }
  const bool in_bounds = check_view(ref, *entry);
  if (!info.writes) {
    if (!in_bounds) return {};
    try {
      return one_of_same(make_view(device_, storages_.materialize(*entry, /*overwritten=*/false), ref));
    } catch (const std::exception& error) {
      if (ref.fresh) unfilled_.push_back(entry);
      return set_problem(status_of(error)), at::Tensor();
    }
  }

  if (ref.fresh) unfilled_.push_back(entry);
  Written written{entry, ref.fresh, false, false, false, ref, {}};
  if (in_bounds) {
    uint64_t extent = 0;
    const bool matters = !entry->storage || !entry->healthy();
    if (matters && info.overwrites) {
      wire::view_extent_bytes(ref.sizes, ref.strides, ref.offset, c10::elementSize(ref.dtype), &extent);
      written.covers = covers_all(ref, *elements, extent, entry->bytes);
    }
    if (!entry->healthy() && !written.covers) {
      if (!root_) root_ = entry->error;
    } else {
      try {
        // One without elements keeps its sizes, which some kernels look at.
        written.bind = written.covers && info.out && !entry->storage && *elements > 0 && !ref.conj && !ref.neg;
        written.tensor = written.bind
                             ? make_empty(device_, ref.dtype)
                             : one_of_same(make_view(device_, storages_.materialize(*entry, written.covers), ref));
        written.usable = true;
      } catch (const std::exception& error) {
        set_problem(status_of(error));
      }
    }
  }
  at::Tensor tensor = written.tensor;
  written_.push_back(std::move(written));
  return tensor;
}

at::Tensor Arguments::resolve_input(const wire::TensorRef& ref) {
  static const Operation* const read = [] {
    auto* operation = new Operation();
    operation->arguments.resize(1);
    return operation;
  }();
  begin(*read);
  return resolve(ref, 0);
}

at::Generator Arguments::resolve_generator(uint64_t id) {
  at::Generator generator = generators_.find(id);
  if (!generator.defined()) {
    set_problem({StatusCode::kNotFound, "there is no generator " + std::to_string(id) + " in this session"});
  }
  return generator;
}

}  // namespace remote::worker
