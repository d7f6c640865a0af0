#include <remote/device/settings.h>

#include <ATen/Context.h>
#include <c10/core/DefaultDtype.h>

namespace remote::device {
namespace {

using wire::SettingKey;

template <typename Value>
void set(Settings& settings, SettingKey key, Value value) {
  settings[static_cast<size_t>(key)] = static_cast<uint8_t>(value);
}

void read_switches(Settings& settings) {
  const at::Context& context = at::globalContext();
  set(settings, SettingKey::kDefaultDtype, c10::get_default_dtype_as_scalartype());
  set(settings, SettingKey::kDeterministicAlgorithms,
      !context.deterministicAlgorithms()          ? 0
      : context.deterministicAlgorithmsWarnOnly() ? 2
                                                  : 1);
  set(settings, SettingKey::kMkldnnEnabled, context.userEnabledMkldnn());
  set(settings, SettingKey::kCudnnEnabled, context.userEnabledCuDNN());
  set(settings, SettingKey::kCudnnBenchmark, context.benchmarkCuDNN());
  set(settings, SettingKey::kCudnnDeterministic, context.deterministicCuDNN());
  set(settings, SettingKey::kFlashAttention, context.userEnabledFlashSDP());
  set(settings, SettingKey::kMemoryEfficientAttention, context.userEnabledMemEfficientSDP());
  set(settings, SettingKey::kMathAttention, context.userEnabledMathSDP());
  set(settings, SettingKey::kCudnnAttention, context.userEnabledCuDNNSDP());
}

/// LibTorch's older names for some of the precisions. They change only together with these.
void read_old_precisions(Settings& settings) {
  const at::Context& context = at::globalContext();
  try {
    set(settings, SettingKey::kAllowTf32Cudnn, context.allowTF32CuDNN());
    set(settings, SettingKey::kFloat32MatmulPrecision, context.float32MatmulPrecision());
    set(settings, SettingKey::kAllowTf32Cublas, context.allowTF32CuBLAS());
  } catch (const c10::Error&) {
    // A program that mixes old names and new ones gets no answer from the old ones. The worker keeps what it was told
    // last.
  }
}

void read_precisions(Settings& settings, wire::Products products, bool with_cuda) {
  const at::Context& context = at::globalContext();
  const Settings before = settings;
  for (const auto& precision : wire::kFloatPrecisions) {
    if (!(products.*precision.product) || (precision.backend == at::Float32Backend::CUDA && !with_cuda)) continue;
    set(settings, precision.key, context.float32Precision(precision.backend, precision.op));
  }
  if (settings != before) read_old_precisions(settings);
  if (products.matrices && with_cuda) {
    set(settings, SettingKey::kFp16ReductionCublas, context.allowFP16ReductionCuBLAS());
    set(settings, SettingKey::kBf16ReductionCublas, context.allowBF16ReductionCuBLAS());
    set(settings, SettingKey::kFp16AccumulationCublas, context.allowFP16AccumulationCuBLAS());
  }
}

}  // namespace

const Settings& untold_settings() {
  static const Settings settings = [] {
    Settings untold;
    untold.fill(0xff);
    return untold;
  }();
  return settings;
}

bool record_changed_settings(Settings& sent, wire::Products products, c10::DeviceType worker, wire::RecordWriter& out) {
  Settings now = sent;
  read_switches(now);
  if (products) read_precisions(now, products, /*with_cuda=*/worker != c10::kCPU);
  if (now == sent) return false;
  for (size_t key = 0; key < now.size(); ++key) {
    if (now[key] != sent[key]) out.setting(static_cast<SettingKey>(key), now[key]);
  }
  sent = now;
  return true;
}

}  // namespace remote::device
