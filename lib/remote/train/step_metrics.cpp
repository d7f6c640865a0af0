#include <remote/train/step_metrics.h>

#include <ATen/ATen.h>

#include <chrono>
#include <thread>

namespace remote::train {
namespace {

constexpr std::chrono::microseconds kNap(500);

}  // namespace

void StepMetrics::ask(MetricRecord record, bool is_logged, const at::Tensor& loss, const at::Tensor& grad_norm,
                      const at::Tensor& bad_steps) {
  at::NoGradGuard no_grad;
  asked_ = record.step;
  std::vector<std::string> names{"train/loss"};
  std::vector<at::Tensor> values{loss.detach().to(at::kFloat).view(1)};
  if (grad_norm.defined()) {
    names.emplace_back("train/grad_norm");
    values.push_back(grad_norm.to(at::kFloat).view(1));
  }
  if (bad_steps.defined()) values.push_back(bad_steps);
  pending_.push_back({std::move(record), is_logged, std::move(names), bad_steps.defined(), fetch(at::cat(values))});
}

void StepMetrics::poll() {
  while (!pending_.empty() && pending_.front().values.ready()) hand_over_first();
}

void StepMetrics::keep_pace(int64_t step) {
  poll();
  while (!pending_.empty() && lead_.is_too_long(step)) {
    // Not by waiting for the value: steps are queued behind it, and the worker goes on with those.
    while (!pending_.front().values.ready()) std::this_thread::sleep_for(kNap);
    hand_over_first();
  }
}

void StepMetrics::drain() {
  while (!pending_.empty()) hand_over_first();
}

void StepMetrics::hand_over_first() {
  const Pending pending = std::move(pending_.front());
  pending_.pop_front();
  const at::Tensor values = pending.values.get();
  lead_.on_arrival(pending.record.step, Lead::Clock::now());
  const auto* numbers = values.const_data_ptr<float>();
  MetricRecord record{pending.record.step, pending.record.epoch, {}};
  if (pending.is_logged) {
    for (size_t i = 0; i < pending.names.size(); ++i)
      record.values.emplace_back(pending.names[i], as_figure(numbers[i]));
    record.values.insert(record.values.end(), pending.record.values.begin(), pending.record.values.end());
  }
  sink_(record, pending.guarded ? static_cast<int64_t>(numbers[pending.names.size()]) : 0);
}

}  // namespace remote::train
