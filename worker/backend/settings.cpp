#include <worker/backend/settings.h>

#include <ATen/Context.h>
#include <c10/core/DefaultDtype.h>

#include <atomic>

namespace remote::worker {
namespace {

using wire::SettingKey;

struct Setting {
  const char* name;
  uint64_t largest;
  uint64_t (*get)();
  void (*set)(uint64_t);
};

at::Context& context() {
  return at::globalContext();
}

uint64_t deterministic() {
  return !context().deterministicAlgorithms() ? 0 : context().deterministicAlgorithmsWarnOnly() ? 2 : 1;
}

constexpr const char* kOldPrecisions[] = {"highest", "high", "medium"};

template <size_t kIndex>
Setting float_precision() {
  static constexpr const auto& precision = wire::kFloatPrecisions[kIndex];
  const bool is_cuda = precision.backend == at::Float32Backend::CUDA;
  return {precision.name, static_cast<uint64_t>(is_cuda ? at::Float32Precision::TF32 : at::Float32Precision::BF16),
          [] { return static_cast<uint64_t>(context().float32Precision(precision.backend, precision.op)); },
          [](uint64_t value) {
            context().setFloat32Precision(precision.backend, precision.op, static_cast<at::Float32Precision>(value));
          }};
}

using at::CuBLASReductionOption;
constexpr auto kLargestReduction = static_cast<uint64_t>(CuBLASReductionOption::DisallowReducedPrecisionDisallowSplitK);

bool allows_reduced_precision(uint64_t option) {
  return static_cast<CuBLASReductionOption>(option) == CuBLASReductionOption::AllowReducedPrecisionWithSplitK;
}
bool allows_split_k(uint64_t option) {
  return static_cast<CuBLASReductionOption>(option) != CuBLASReductionOption::DisallowReducedPrecisionDisallowSplitK;
}

/// In the order of wire::SettingKey.
const std::array<Setting, static_cast<size_t>(SettingKey::kCount)> kSettings = {{
    {"the default dtype", static_cast<uint64_t>(c10::ScalarType::Undefined) - 1,
     [] { return static_cast<uint64_t>(c10::get_default_dtype_as_scalartype()); },
     [](uint64_t value) { c10::set_default_dtype(c10::scalarTypeToTypeMeta(static_cast<c10::ScalarType>(value))); }},
    {"deterministic algorithms", 2, &deterministic,
     [](uint64_t value) { context().setDeterministicAlgorithms(value != 0, value == 2); }},
    {"the float32 matmul precision", 2, [] { return static_cast<uint64_t>(context().float32MatmulPrecision()); },
     [](uint64_t value) { context().setFloat32MatmulPrecision(kOldPrecisions[value]); }},
    {"TF32 in cuBLAS", 1, [] { return uint64_t{context().allowTF32CuBLAS()}; },
     [](uint64_t value) { context().setAllowTF32CuBLAS(value != 0); }},
    {"TF32 in cuDNN", 1, [] { return uint64_t{context().allowTF32CuDNN()}; },
     [](uint64_t value) { context().setAllowTF32CuDNN(value != 0); }},
    {"the use of cuDNN", 1, [] { return uint64_t{context().userEnabledCuDNN()}; },
     [](uint64_t value) { context().setUserEnabledCuDNN(value != 0); }},
    {"cuDNN's benchmark mode", 1, [] { return uint64_t{context().benchmarkCuDNN()}; },
     [](uint64_t value) { context().setBenchmarkCuDNN(value != 0); }},
    {"cuDNN's deterministic mode", 1, [] { return uint64_t{context().deterministicCuDNN()}; },
     [](uint64_t value) { context().setDeterministicCuDNN(value != 0); }},
    {"flash attention", 1, [] { return uint64_t{context().userEnabledFlashSDP()}; },
     [](uint64_t value) { context().setSDPUseFlash(value != 0); }},
    {"memory-efficient attention", 1, [] { return uint64_t{context().userEnabledMemEfficientSDP()}; },
     [](uint64_t value) { context().setSDPUseMemEfficient(value != 0); }},
    {"math attention", 1, [] { return uint64_t{context().userEnabledMathSDP()}; },
     [](uint64_t value) { context().setSDPUseMath(value != 0); }},
    {"cuDNN's attention", 1, [] { return uint64_t{context().userEnabledCuDNNSDP()}; },
     [](uint64_t value) { context().setSDPUseCuDNN(value != 0); }},
    {"the use of mkldnn", 1, [] { return uint64_t{context().userEnabledMkldnn()}; },
     [](uint64_t value) { context().setUserEnabledMkldnn(value != 0); }},
    {"float16 sums in cuBLAS", kLargestReduction,
     [] { return static_cast<uint64_t>(context().allowFP16ReductionCuBLAS()); },
     [](uint64_t value) {
       context().setAllowFP16ReductionCuBLAS(allows_reduced_precision(value), allows_split_k(value));
     }},
    {"bfloat16 sums in cuBLAS", kLargestReduction,
     [] { return static_cast<uint64_t>(context().allowBF16ReductionCuBLAS()); },
     [](uint64_t value) {
       context().setAllowBF16ReductionCuBLAS(allows_reduced_precision(value), allows_split_k(value));
     }},
    {"float16 accumulation in cuBLAS", 1, [] { return uint64_t{context().allowFP16AccumulationCuBLAS()}; },
     [](uint64_t value) { context().setAllowFP16AccumulationCuBLAS(value != 0); }},
    float_precision<0>(),
    float_precision<1>(),
    float_precision<2>(),
    float_precision<3>(),
    float_precision<4>(),
    float_precision<5>(),
}};

/// Nothing in a process that mixes LibTorch's old and new precision switches: it has no answer.
std::optional<uint64_t> value_of(const Setting& setting) {
  try {
    return setting.get();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

SettingValues current() {
  SettingValues values;
  for (size_t i = 0; i < kSettings.size(); ++i) values[i] = value_of(kSettings[i]);
  return values;
}

}  // namespace

ProcessSettings::ProcessSettings() : base_(current()) {}

void ProcessSettings::apply(const SettingValues& wanted) {
  // Old values go first: setting one of two that depend on each other would undo the other.
  for (size_t i = 0; i < kSettings.size(); ++i) {
    if (applied_[i] && !wanted[i] && base_[i]) kSettings[i].set(*base_[i]);
  }
  for (size_t i = 0; i < kSettings.size(); ++i) {
    if (wanted[i] && value_of(kSettings[i]) != wanted[i]) kSettings[i].set(*wanted[i]);
  }
  applied_ = wanted;
}

SessionSettings::SessionSettings(bool shares_process, c10::DeviceType worker)
    : shares_process_(shares_process), worker_(worker), serial_([] {
        static std::atomic<uint64_t> next{1};
        return next.fetch_add(1, std::memory_order_relaxed);
      }()) {
  if (shares_process) values_ = current();
}

Status SessionSettings::set(uint64_t key, uint64_t value) {
  if (key >= kSettings.size()) {
    return {StatusCode::kInvalidArgument, "there is no setting number " + std::to_string(key)};
  }
  const Setting& setting = kSettings[key];
  const bool is_dtype = key == static_cast<uint64_t>(SettingKey::kDefaultDtype);
  if (value > setting.largest || (is_dtype && !wire::is_dense_dtype(static_cast<c10::ScalarType>(value)))) {
    return {StatusCode::kInvalidArgument, std::to_string(value) + " is no value for " + setting.name +
                                              (is_dtype ? ": expected a dtype of dense tensors" : "")};
  }
  values_[key] = value;
  return {};
}

Status SessionSettings::compare(wire::Products products, c10::function_ref<bool()> reads_default_dtype) const {
  const bool on_cpu = worker_ == c10::kCPU;
  if (Status switched = compare(SettingKey::kDefaultDtype); !switched.ok() && reads_default_dtype()) return switched;
  // A CPU's kernels compute the same either way: they only raise an alert.
  if (!on_cpu) REMOTE_RETURN_IF_ERROR(compare(SettingKey::kDeterministicAlgorithms));
  if (!products) return {};
  REMOTE_RETURN_IF_ERROR(compare(SettingKey::kMkldnnEnabled));
  for (const SettingKey key : {SettingKey::kFlashAttention, SettingKey::kMathAttention}) {
    if (products.attention) REMOTE_RETURN_IF_ERROR(compare(key));
  }
  for (const auto& precision : wire::kFloatPrecisions) {
    const bool is_asked_for = !on_cpu || precision.backend != at::Float32Backend::CUDA;
    if (is_asked_for && products.*precision.product) REMOTE_RETURN_IF_ERROR(compare(precision.key));
  }
  return {};
}

Status SessionSettings::compare(SettingKey key) const {
  const auto i = static_cast<size_t>(key);
  const auto now = value_of(kSettings[i]);
  if (!values_[i] || !now || now == values_[i]) return {};
  return {StatusCode::kFailedPrecondition,
          std::string(kSettings[i].name) +
              " was switched while this op was still queued, and an embedded worker shares it with the program; call "
              "remote::synchronize() before the switch"};
}

}  // namespace remote::worker
