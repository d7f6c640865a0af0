#include <worker/backend/outputs.h>

#include <ATen/ATen.h>

#include <sstream>

#include <worker/backend/errors.h>

namespace remote::worker {
namespace {

std::string describe(const at::Tensor& tensor) {
  std::ostringstream text;
  text << c10::toString(tensor.scalar_type()) << tensor.sizes();
  return text.str();
}

bool same_layout(c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> left, c10::ArrayRef<int64_t> right) {
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return true;
  }
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > 1 && left[i] != right[i]) return false;
  }
  return true;
}

Status mismatch(const at::Tensor& came, const wire::TensorRef& expected, const char* what) {
  return {StatusCode::kInternal, std::string("it made ") + describe(came) + " of " + what +
                                     " that the client declared as " + worker::describe(expected) +
                                     "; client and worker disagree about its shapes"};
}

/// Every tensor that an op returned, in order; those of a list one by one.
template <class Visit>
Status for_each_result(const torch::jit::Stack& stack, Visit visit) {
  for (const auto& value : stack) {
    if (value.isTensor()) {
      REMOTE_RETURN_IF_ERROR(visit(value.toTensor()));
    } else if (value.isTensorList()) {
      for (const auto& element : value.toListRef()) REMOTE_RETURN_IF_ERROR(visit(element.toTensor()));
    }
  }
  return {};
}

}  // namespace

Status Outputs::check_result(const at::Tensor& result) const {
  if (result.layout() == c10::kStrided && !c10::isQIntType(result.scalar_type()) && result.has_storage()) return {};
  std::ostringstream text;
  text << "it returned a " << result.layout() << " " << result.scalar_type()
       << " tensor; a worker holds dense tensors only";
  return {StatusCode::kUnimplemented, text.str()};
}

bool Outputs::is_sole_owner(const at::Tensor& result) const {
  return result.getIntrusivePtr().use_count() == 1 && result.storage().use_count() == 1 &&
         result.storage_offset() == 0 && !result.is_conj() && !result.is_neg() && result.device() == device_.device();
}

c10::Storage Outputs::copy(const at::Tensor& from, const wire::TensorRef& layout, uint64_t bytes) {
  c10::Storage storage = device_.allocate(bytes);
  // The copy may leave gaps between the elements.
  if (bytes != from.numel() * from.itemsize()) device_.zero(storage);
  make_view(device_, storage, layout).copy_(from);
  ++copied_;
  return storage;
}

Status Outputs::settle(Arguments::Written& written) {
  const at::Tensor& tensor = written.tensor;
  StorageEntry& entry = *written.entry;
  const wire::TensorRef& ref = written.ref;
  if (tensor.scalar_type() != ref.dtype || tensor.sizes() != c10::ArrayRef<int64_t>(ref.sizes)) {
    return mismatch(tensor, ref, "an argument");
  }
  if (written.bind) {
    const bool adopted = tensor.storage().use_count() == 1 && tensor.storage().nbytes() == entry.bytes &&
                         tensor.storage_offset() == 0 && !tensor.is_conj() && !tensor.is_neg() &&
                         same_layout(ref.sizes, ref.strides, tensor.strides());
    entry.storage = adopted ? tensor.storage() : copy(tensor, ref, entry.bytes);
  } else {
    // Some kernels make their output larger for a while and then give it its size back, which keeps the memory.
    if (entry.storage.nbytes() > entry.bytes) entry.storage.unsafeGetStorageImpl()->set_nbytes(entry.bytes);
    if (entry.storage.nbytes() < entry.bytes || !tensor.storage().is_alias_of(entry.storage)) {
      return {StatusCode::kInternal, "it replaced the memory of an argument, " + worker::describe(ref)};
    }
    // A kernel may leave its result conjugated and say so in a bit that the client never sees.
    at::Tensor plain = tensor;
    if (plain.is_conj() != ref.conj) plain._set_conj(false), plain.conj_physical_();
    if (plain.is_neg() != ref.neg) plain._set_neg(false), plain.neg_();
  }
  if (!entry.healthy()) entry.heal();
  return {};
}

Status Outputs::adopt_declared(const at::Tensor& result, const wire::OutputDeclaration& declaration,
                               StorageEntry& entry) {
  using Kind = wire::OutputDeclaration::Kind;
  if (declaration.kind == Kind::kOpaque) {
    entry.is_opaque = true;
    if (!result.defined()) return {};
    REMOTE_RETURN_IF_ERROR(check_result(result));
    const bool adopted = result.storage().use_count() == 1 && result.getIntrusivePtr().use_count() == 1;
    entry.opaque = adopted ? result : result.clone();
    if (!adopted) ++copied_;
    storages_.set_bytes(entry, entry.opaque.storage().nbytes());
    return {};
  }
  wire::TensorRef expected;
  expected.dtype = declaration.dtype;
  expected.sizes = declaration.sizes;
  expected.strides = declaration.strides;
  if (!result.defined()) {
    return {StatusCode::kInternal, "it returned no tensor where the client declared " + worker::describe(expected)};
  }
  REMOTE_RETURN_IF_ERROR(check_result(result));
  if (result.scalar_type() != declaration.dtype || result.sizes() != c10::ArrayRef<int64_t>(declaration.sizes)) {
    return mismatch(result, expected, "an output");
  }
  const bool adopted = is_sole_owner(result) && result.storage().nbytes() == entry.bytes &&
                       same_layout(declaration.sizes, declaration.strides, result.strides());
  entry.storage = adopted ? result.storage() : copy(result, expected, entry.bytes);
  return {};
}

Status Outputs::declared(const torch::jit::Stack& stack, c10::ArrayRef<wire::OutputDeclaration> declarations,
                         c10::ArrayRef<StorageEntry*> entries) {
  size_t next = 0;
  REMOTE_RETURN_IF_ERROR(for_each_result(stack, [&](const at::Tensor& result) -> Status {
    const size_t i = next++;
    if (i >= declarations.size() || entries[i] == nullptr) return {};
    return adopt_declared(result, declarations[i], *entries[i]);
  }));
  if (next == declarations.size()) return {};
  return {StatusCode::kInternal, "it returned " + std::to_string(next) + " tensors where the client declared " +
                                     std::to_string(declarations.size())};
}

Status Outputs::adopt_asked(const at::Tensor& result, uint64_t id, wire::OutputMeta& meta) {
  if (!result.defined()) return {};
  REMOTE_RETURN_IF_ERROR(check_result(result));
  c10::Storage storage;
  at::Tensor own = result;
  if (result.getIntrusivePtr().use_count() == 2 && result.storage().use_count() == 1 && result.storage_offset() == 0 &&
      !result.is_conj() && !result.is_neg() && result.device() == device_.device()) {
    storage = result.storage();
  } else {
    own = at::empty_like(result, result.options().device(device_.device())).copy_(result);
    storage = own.storage();
    ++copied_;
  }
  auto entry = storages_.add(id, storage.nbytes());
  if (!entry.ok()) return entry.status();
  entry.value()->storage = storage;
  meta.defined = true;
  meta.storage = id;
  meta.storage_bytes = storage.nbytes();
  meta.dtype = own.scalar_type();
  meta.sizes.assign(own.sizes().begin(), own.sizes().end());
  meta.strides.assign(own.strides().begin(), own.strides().end());
  return {};
}

Status Outputs::asked(const torch::jit::Stack& stack, uint64_t first_id, std::vector<wire::OutputMeta>& metas) {
  Status status = for_each_result(stack, [&](const at::Tensor& result) {
    metas.emplace_back();
    return adopt_asked(result, first_id + (metas.size() - 1), metas.back());
  });
  if (status.ok()) return {};
  for (const auto& meta : metas) {
    if (meta.defined) storages_.release(meta.storage);
  }
  metas.clear();
  return status;
}

}  // namespace remote::worker
