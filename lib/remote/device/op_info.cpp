#include <remote/device/op_info.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <remote/device/runtime.h>
#include <remote/device/shapes/data_dependent.h>
#include <remote/wire/precision.h>

namespace remote::device {
namespace {

/// Out variants whose kernels resize the out to the size of the input before they reduce, and print a warning each
/// time.
constexpr std::array<std::string_view, 2> kRunAsFunctional = {"aten::mse_loss", "aten::smooth_l1_loss"};

// What CPU kernels do with the tensors that they write into, where they don't do as the others; see OpInfo.
/// They write one value into each element, or don't look.
constexpr std::array<std::string_view, 7> kTakeOverlap = {
    "aten::addmv", "aten::baddbmm", "aten::conj_physical", "aten::fill", "aten::threshold", "aten::tril", "aten::triu",
};
constexpr std::array<std::string_view, 2> kReadOutsAsBatches = {"aten::tril", "aten::triu"};
constexpr std::array<std::string_view, 2> kLaidOutAsResult = {"aten::linalg_solve_triangular", "aten::nonzero"};
constexpr std::array<std::string_view, 6> kLaidOutAsResultIfEmpty = {
    "aten::cholesky_inverse",           "aten::geqrf",        "aten::linalg_eig",
    "aten::linalg_householder_product", "aten::linalg_lstsq", "aten::ormqr",
};

template <size_t kCount>
bool is_among(const std::array<std::string_view, kCount>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

OpInfo::OutLayout out_layout_of(std::string_view name) {
  if (is_among(kLaidOutAsResult, name)) return OpInfo::OutLayout::kAsResult;
  return is_among(kLaidOutAsResultIfEmpty, name) ? OpInfo::OutLayout::kAsResultIfEmpty : OpInfo::OutLayout::kRowMajor;
}

/// The argument that a return is, by its alias annotation; -1 for a new value.
int argument_returned(const c10::FunctionSchema& schema, const c10::Argument& returned) {
  const auto* alias = returned.alias_info();
  if (alias == nullptr) return -1;
  const auto& arguments = schema.arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto* other = arguments[i].alias_info();
    if (other != nullptr && other->beforeSets() == alias->beforeSets()) return static_cast<int>(i);
  }
  return -1;
}

/// Of tensors: no other list has optional elements.
bool is_list_of_optionals(const c10::Type& type) {
  return type.kind() == c10::TypeKind::ListType &&
         type.expectRef<c10::ListType>().getElementType()->kind() == c10::TypeKind::OptionalType;
}

bool is_tensor_or_list(const c10::Type& type) {
  if (type.kind() == c10::TypeKind::TensorType) return true;
  return type.kind() == c10::TypeKind::ListType &&
         type.expectRef<c10::ListType>().getElementType()->kind() == c10::TypeKind::TensorType;
}

/// Whether LibTorch, or a library of custom ops, tells sizes and strides. Python's torch lays kernels of its own over
/// LibTorch's, and those don't give the strides, nor the errors, of its CPU kernels.
bool has_usable_meta_kernel(const c10::OperatorHandle& op) {
  if (!op.hasKernelForDispatchKey(c10::DispatchKey::Meta)) return false;
  if (!op.schema().name().starts_with("aten::")) return true;
  // Names the file in which it was registered.
  return op.getComputedKernelForDispatchKey(c10::DispatchKey::Meta).debug().find(".py") == std::string::npos;
}

}  // namespace

OpInfo::OpInfo(const c10::OperatorHandle& op) : op(op) {
  const auto& schema = op.schema();
  const auto& arguments = schema.arguments();
  argument_count = arguments.size();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (argument.is_out()) out_arguments.push_back(static_cast<int>(i));
    const std::string type = argument.type()->str();
    if (type.find("Generator") != type.npos) generator_argument = static_cast<int>(i);
    if (type.find("Device") != type.npos) device_argument = static_cast<int>(i);
    if (is_list_of_optionals(*argument.type())) indices_argument = static_cast<int>(i);
  }

  const auto takes_tensor = [](const c10::Argument& one) {
    return one.type()->str().find("Tensor") != std::string::npos;
  };
  is_factory = device_argument >= 0 && std::ranges::none_of(arguments, takes_tensor);

  size_t written = 0, fresh = 0;
  for (const auto& returned : schema.returns()) {
    const auto* alias = returned.alias_info();
    if (alias == nullptr) {
      ++fresh;
      if (!is_tensor_or_list(*returned.type())) kind = Kind::kUnsupported;
    } else if (alias->isWrite()) {
      ++written;
      returned_arguments.push_back(argument_returned(schema, returned));
    } else {
      kind = Kind::kUnsupported;
    }
  }
  if (fresh == 0 && kind == Kind::kFunctional) kind = Kind::kMutating;
  if (fresh > 0 && written > 0) kind = Kind::kUnsupported;

  const auto& name = op.operator_name();
  data_dependent = is_data_dependent(name);
  takes_overlap = is_among(kTakeOverlap, name.name);
  reads_outs_as_batches = is_among(kReadOutsAsBatches, name.name);
  out_layout = out_layout_of(name.name);
  out_dtypes = out_dtypes_of(name.name);
  has_meta_kernel = has_usable_meta_kernel(op);
  rule = find_shape_rule(name);
  check = find_argument_check(name.name);
  takes_numbers = converts_numbers(name.name);
  kernel_gap = dtypes_that_cpus_lack(name);
  products = wire::products_of(name.name);
  if (!out_arguments.empty() && is_among(kRunAsFunctional, name.name)) run_as = functional_twin(op);
}

c10::SmallVector<c10::IValue, 8> OpInfo::inputs_of(c10::ArrayRef<c10::IValue> arguments) const {
  c10::SmallVector<c10::IValue, 8> inputs;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!op.schema().arguments()[i].is_out()) inputs.push_back(arguments[i]);
  }
  return inputs;
}

namespace {

/// All ops that were asked for, by where their schema lies: a place that another op may take when a library of ops is
/// unloaded (in Python: when its torch.library.Library goes). Leaked.
class OpTable {
 public:
  static OpTable& get() {
    static auto* table = new OpTable();
    return *table;
  }

  const OpInfo& find_or_make(const c10::OperatorHandle& op) {
    const auto find = [&]() -> const OpInfo* {
      std::lock_guard lock(mutex_);
      const auto found = ops_.find(&op.schema());
      return found == ops_.end() ? nullptr : found->second;
    };
    if (const OpInfo* known = find()) return *known;
    // Not under the lock, which forget() takes under the dispatcher's.
    auto made = std::make_unique<const OpInfo>(op);
    std::lock_guard lock(mutex_);
    const auto [entry, is_new] = ops_.try_emplace(&op.schema(), made.get());
    if (is_new) (void)made.release();
    return *entry->second;
  }
  /// Another number whenever an op has gone.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  struct Listener final : c10::OpRegistrationListener {
    explicit Listener(OpTable& table) : table(table) {}
    void onOperatorRegistered(const c10::OperatorHandle&) override {}
    void onOperatorDeregistered(const c10::OperatorHandle& op) override { table.forget(op); }
    OpTable& table;
  };

  OpTable() { new auto(c10::Dispatcher::singleton().addRegistrationListener(std::make_unique<Listener>(*this))); }

  void forget(const c10::OperatorHandle& op) {
    {
      std::lock_guard lock(mutex_);
      if (ops_.erase(&op.schema()) == 0) return;
      generation_.fetch_add(1, std::memory_order_release);
    }
    Runtime::finish_embedded("unloading of ops");
  }

  std::mutex mutex_;  // guards ops_
  std::unordered_map<const void*, const OpInfo*> ops_;
  std::atomic<uint64_t> generation_{0};
};

}  // namespace

const OpInfo& op_info(const c10::OperatorHandle& op) {
  struct Seen {
    uint64_t generation = 0;
    std::unordered_map<const void*, const OpInfo*> ops;
  };
  static thread_local Seen seen;
  if (const uint64_t now = OpTable::get().generation(); seen.generation != now) seen = {now, {}};
  const OpInfo*& info = seen.ops[&op.schema()];
  if (info == nullptr) info = &OpTable::get().find_or_make(op);
  return *info;
}

std::optional<c10::OperatorHandle> functional_twin(const c10::OperatorHandle& out_variant) {
  const auto& schema = out_variant.schema();
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    if (name.name != schema.name() || name.overload_name == schema.overload_name()) continue;
    const auto candidate = dispatcher.findSchema(name);
    if (!candidate || candidate->schema().is_mutable()) continue;
    const auto& arguments = candidate->schema().arguments();
    if (arguments.size() >= schema.arguments().size()) continue;
    bool same = true;
    size_t next = 0;
    for (const auto& argument : schema.arguments()) {
      if (argument.is_out()) continue;
      same = same && next < arguments.size() && arguments[next].name() == argument.name() &&
             *arguments[next].type() == *argument.type();
      ++next;
    }
    if (same && next == arguments.size()) return candidate;
  }
  return std::nullopt;
}

}  // namespace remote::device
