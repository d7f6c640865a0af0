// Copies in every direction: CPU to worker (uploads), back (fetches), on one worker (a record), between two workers.
#include <ATen/ATen.h>
#include <ATen/ExpandUtils.h>
#include <ATen/MemoryOverlap.h>
#include <torch/library.h>

#include <remote/device/describe.h>
#include <remote/device/error.h>
#include <remote/device/recorder.h>
#include <remote/device/runtime.h>
#include <remote/device/transfer.h>

namespace remote::device {
namespace {

const OpInfo& copy_op() {
  static const OpInfo& info = op_info(c10::Dispatcher::singleton().findSchemaOrThrow("aten::copy_", ""));
  return info;
}

void copy_on_worker(const at::Tensor& source, const at::Tensor& destination) {
  const c10::IValue arguments[] = {destination, source, false};
  record_mutation(copy_op(), arguments, destination.device().index());
}

/// The bytes of a tensor's own elements, where they lie without gaps.
bool is_dense(const at::Tensor& tensor) { return tensor.is_non_overlapping_and_dense(); }

/// A CPU tensor whose memory is, byte for byte, what `like` shall hold.
at::Tensor laid_out_as(const at::Tensor& like, const at::Tensor& values) {
  if (values.dtype() == like.dtype() && values.sizes() == like.sizes() && values.strides() == like.strides() &&
      values.is_conj() == like.is_conj() && values.is_neg() == like.is_neg()) {
    return values;
  }
  at::Tensor memory = at::empty_strided(like.sizes(), like.strides(), values.options().dtype(like.dtype()));
  memory._set_conj(like.is_conj());
  memory._set_neg(like.is_neg());
  return memory.copy_(values);
}

void upload_dense(const at::Tensor& cpu, const at::Tensor& remote) {
  auto* context = context_of(*remote.unsafeGetTensorImpl());
  auto& session = Runtime::get().session(remote.device().index());
  const at::Tensor memory = laid_out_as(remote, cpu);
  throw_if_error(session.upload(
      context->id, [&] { return context->announce(); }, remote.storage_offset() * remote.itemsize(),
      memory.const_data_ptr(), remote.numel() * remote.itemsize()));
}

/// Of an op whose backward pass reads it; only the worker knows its size.
bool is_workspace(const at::Tensor& tensor) {
  const auto* context = context_of(*tensor.unsafeGetTensorImpl());
  return context != nullptr && context->opaque;
}

void check_readable(const at::Tensor& tensor) {
  if (!is_remote(tensor)) {
    throw_error(StatusCode::kInvalidArgument, "remote: expected a remote tensor, got " + describe_for_people(tensor));
  }
  const auto* context = context_of(*tensor.unsafeGetTensorImpl());
  if (context == nullptr && tensor.numel() > 0) {
    throw_error(StatusCode::kInvalidArgument,
                "remote: this tensor lies over memory that is no worker's (a part of a storage, or from DLPack); use a "
                "view of the tensor, or copy the tensor that the memory was taken from");
  }
  if (is_workspace(tensor)) {
    throw_error(StatusCode::kInvalidArgument,
                "remote: this tensor is a workspace whose layout only the worker knows; it can be passed on to the op "
                "that takes it, not read");
  }
}

/// Whether the bytes of a fetch of `remote` are what `destination` shall hold.
bool takes_bytes_of(const at::Tensor& remote, const at::Tensor& destination) {
  return destination.is_cpu() && destination.layout() == at::kStrided && destination.is_contiguous() &&
         destination.dtype() == remote.dtype() && destination.sizes() == remote.sizes() && !destination.is_conj() &&
         !destination.is_neg();
}

void fetch_into(const at::Tensor& remote, const at::Tensor& destination) {
  check_readable(remote);
  if (remote.numel() == 0) return;
  const bool directly = takes_bytes_of(remote, destination);
  const Fetch fetch = fetch_values(remote, directly ? destination : at::Tensor());
  Runtime::get().session(remote.device().index()).count_synchronisation("copy to CPU");
  const at::Tensor& values = fetch.get();
  if (!directly) destination.copy_(values);
}

/// Straight from worker to worker, where the first can reach the second; else false.
bool copy_between_workers(const at::Tensor& self, const at::Tensor& dst) {
  auto& from = Runtime::get().session(self.device().index());
  auto& to = Runtime::get().session(dst.device().index());
  if (!from.reaches(to)) return false;
  at::Tensor source = self.expand(dst.sizes()).to(dst.scalar_type());
  const bool is_plain = dst.is_contiguous() && !dst.is_conj() && !dst.is_neg();
  const at::Tensor target =
      is_plain ? dst : at::empty(dst.sizes(), dst.options().memory_format(at::MemoryFormat::Contiguous));
  source = source.resolve_conj().resolve_neg().contiguous();
  // One that nobody has written: the stream hears of it here.
  if (!context_of(*source.unsafeGetTensorImpl())->announced) source = source.clone();
  const auto* source_context = context_of(*source.unsafeGetTensorImpl());
  auto* context = context_of(*target.unsafeGetTensorImpl());
  throw_if_error(from.send(
      source_context->id, source.storage_offset() * source.itemsize(), to, context->id,
      [&] { return context->announce(); }, target.storage_offset() * target.itemsize(), target.nbytes()));
  if (!is_plain) copy_on_worker(target, dst);
  return true;
}

/// What LibTorch's iterator asks of a copy.
void check_copy(const at::Tensor& self, const at::Tensor& dst) {
  if (self.sizes() != dst.sizes()) {
    const auto together = at::infer_size_dimvector(dst.sizes(), self.sizes());
    TORCH_CHECK(dst.sizes().equals(together), "output with shape ", dst.sizes(), " doesn't match the broadcast shape ",
                c10::IntArrayRef(together));
  }
  at::assert_no_internal_overlap(dst);
  if (is_remote(self) && is_remote(dst)) at::assert_no_partial_overlap(dst, self);
}

at::Tensor copy_from(const at::Tensor& self, const at::Tensor& dst, bool /*non_blocking*/) {
  check_copy(self, dst);
  run_backward_on_this_thread();
  at::NoGradGuard no_grad;
  if (is_remote(self) && is_remote(dst)) {
    if (is_workspace(self) && self.device() == dst.device()) {
      // Nobody writes into one, so that a copy may share it.
      dst.unsafeGetTensorImpl()->set_storage_keep_dtype(self.storage());
      return dst;
    }
    if (dst.numel() == 0) return dst;
    if (self.device() == dst.device()) {
      copy_on_worker(self, dst);
    } else if (!copy_between_workers(self, dst)) {
      at::Tensor values = at::empty(self.sizes(), self.options().device(at::kCPU));
      fetch_into(self, values);
      upload_values(values, dst);
    }
  } else if (is_remote(dst)) {
    upload_values(self, dst);
  } else {
    fetch_into(self, dst);
  }
  return dst;
}

at::Tensor copy_from_and_resize(const at::Tensor& self, const at::Tensor& dst) {
  dst.resize_(self.sizes());
  return copy_from(self, dst, false);
}

at::Scalar local_scalar_dense(const at::Tensor& self) {
  check_readable(self);
  const Fetch fetch = fetch_values(self);
  Runtime::get().session(self.device().index()).count_synchronisation("Tensor.item");
  return fetch.get().item();
}

/// Such tensors are equal without asking. LibTorch's CPU code looks for NaNs, which equal nothing; here that would be a
/// wait in each self-attention of nn::MultiheadAttention, which asks whether query and key are one.
bool is_same_view(const at::Tensor& a, const at::Tensor& b) {
  return context_of(*a.unsafeGetTensorImpl()) == context_of(*b.unsafeGetTensorImpl()) &&
         a.storage_offset() == b.storage_offset() && a.strides() == b.strides() && a.dtype() == b.dtype() &&
         a.is_conj() == b.is_conj() && a.is_neg() == b.is_neg();
}

bool equal(const at::Tensor& self, const at::Tensor& other) {
  if (!is_remote(other) || self.device() != other.device()) {
    throw_error(StatusCode::kInvalidArgument, "equal: expected both tensors on " + self.device().str() +
                                                  ", got one on " + other.device().str() +
                                                  "; move it with .to(...) first");
  }
  if (self.sizes() != other.sizes()) return false;
  if (self.numel() == 0 || is_same_view(self, other)) return true;
  return self.eq(other).all().item<bool>();
}

/// LibTorch shares the memory until one of the two is written, which takes memory of its own.
at::Tensor lazy_clone(const at::Tensor& self) {
  return self.clone();
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("_copy_from", &copy_from);
  m.impl("_copy_from_and_resize", &copy_from_and_resize);
  m.impl("_local_scalar_dense", &local_scalar_dense);
  m.impl("equal", &equal);
  m.impl("_lazy_clone", &lazy_clone);
}

// These keys' fallbacks would materialise the tensor by a copy, which is what they are asked for here: endlessly.
TORCH_LIBRARY_IMPL(aten, Conjugate, m) { m.impl("_copy_from", torch::CppFunction::makeFallthrough()); }
TORCH_LIBRARY_IMPL(aten, Negative, m) { m.impl("_copy_from", torch::CppFunction::makeFallthrough()); }

}  // namespace

void upload_values(const at::Tensor& cpu, const at::Tensor& remote) {
  if (remote.numel() == 0) return;
  TORCH_CHECK(cpu.device().is_cpu(), "remote: can only upload from the CPU, got a tensor on ", cpu.device());
  const at::Tensor values = cpu.expand(remote.sizes());
  if (is_dense(remote)) {
    upload_dense(values, remote);
  } else {
    const at::Tensor staged = at::empty(remote.sizes(), remote.options().memory_format(at::MemoryFormat::Contiguous));
    upload_dense(values, staged);
    copy_on_worker(staged, remote);
  }
}

Fetch fetch_values(const at::Tensor& tensor, at::Tensor values) {
  check_readable(tensor);
  check_within_limits(tensor.sizes());
  if (!values.defined()) values = at::empty(tensor.sizes(), at::TensorOptions(tensor.dtype()).device(at::kCPU));
  client::FetchTarget target{values.nbytes()};
  if (target.bytes != 0) {
    target.memory = static_cast<char*>(values.mutable_data_ptr());
    target.owner = values.storage();
  }
  const c10::DeviceIndex device = tensor.device().index();
  auto& session = Runtime::get().session(device);
  Describer describer(device);
  auto pending = session.request(
      [&](wire::RecordWriter& out, uint64_t request) {
        wire::TensorRef ref;
        describer.describe(tensor, ref);
        out.fetch(request, ref);
        return Status();
      },
      std::move(target));
  return {std::move(pending), std::move(values)};
}

const at::Tensor& Fetch::get() const {
  write(value_or_throw(pending->wait()));
  return values;
}

void Fetch::write(std::string_view bytes) const {
  // What came over the bulk connection lies there already; small values come with the reply.
  if (bytes.empty() || bytes.data() == values.const_data_ptr()) return;
  std::memcpy(values.mutable_data_ptr(), bytes.data(), bytes.size());
}

}  // namespace remote::device
