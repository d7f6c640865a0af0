#pragma once
#include <ATen/core/Tensor.h>
#include <torch/optim/optimizer.h>

#include <vector>

#include <remote/optim/fused_optimizer.h>

namespace remote::amp {

/// As in torch.amp.GradScaler.
struct GradScalerOptions {
  double init_scale = 65536;
  double growth_factor = 2;
  double backoff_factor = 0.5;
  int64_t growth_interval = 2000;  ///< steps without an overflow after which the scale grows
};

/// Scales losses so that gradients in float16 do not vanish, and leaves steps out whose gradients overflow.
///
///     scaler.scale(loss).backward();
///     scaler.step(optimizer);
///     scaler.update();
///
/// The scale and what was found lie beside the gradients, and the optimizer's own op looks at them: unlike Python's, it
/// never waits to learn whether a step overflowed. bfloat16 needs none of this. One thread. All gradients lie on the
/// scaler's device. Optimizers are known by their address: one that was used with a scaler lives as long as it does.
class GradScaler {
 public:
  /// Throws c10::Error for options that make no sense.
  explicit GradScaler(c10::Device device, GradScalerOptions options = {});

  /// The loss times the scale, to call backward() on.
  at::Tensor scale(const at::Tensor& loss) const;

  /// Divides the gradients by the scale in place, so that they can be clipped before step(), which does it otherwise.
  /// Gradients are float32 or float64, as those of float32 parameters under autocast are. Throws c10::Error when called
  /// twice between two updates, and for float16 gradients, which could not hold the result.
  void unscale(torch::optim::Optimizer& optimizer);

  /// Takes the optimizer's step, which changes nothing where a gradient is infinite or NaN. Throws as unscale() does.
  void step(optim::FusedOptimizer& optimizer);

  /// Lowers the scale after a step that overflowed, and raises it after `growth_interval` others. Once a step, after
  /// all optimizers. Throws c10::Error when no gradient was looked at since the last call.
  void update();

  /// float32, 0-dim, on the device: reading it waits, fetching it asynchronously doesn't.
  const at::Tensor& current_scale() const { return scale_; }
  /// Whether this optimizer's last gradients overflowed: float32, 0-dim, on the device, 0 or 1. Undefined before its
  /// first.
  at::Tensor found_inf(const torch::optim::Optimizer& optimizer) const;

  /// The scale and the count of steps since it changed, beside the optimizer's state in a checkpoint.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);

 private:
  struct Seen {
    const torch::optim::Optimizer* optimizer;
    at::Tensor found_inf;
    bool unscaled = false, stepped = false;  ///< since the last update
  };
  Seen& seen(const torch::optim::Optimizer& optimizer);

  GradScalerOptions options_;
  at::Tensor scale_, growth_tracker_;
  std::vector<Seen> seen_;
};

}  // namespace remote::amp
