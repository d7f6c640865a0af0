#include <remote/train/trainer.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include <remote/device/error.h>
#include <remote/device/name_scope.h>
#include <remote/nn/utils/clip_grad.h>
#include <remote/train/evaluator.h>
#include <remote/train/rng.h>
#include <remote/train/state_dict.h>

namespace remote::train {
namespace {

std::string chosen_monitor(const TrainerOptions& options, const Task& task) {
  std::vector<std::string> known{"val/loss"};
  for (const std::string& name : task.metrics()) known.push_back("val/" + name);
  if (options.monitor.empty()) {
    return std::find(known.begin(), known.end(), "val/accuracy") != known.end() ? "val/accuracy" : "val/loss";
  }
  if (std::find(known.begin(), known.end(), options.monitor) == known.end()) {
    std::string names;
    for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
    throw_error(StatusCode::kInvalidArgument, "trainer.monitor is \"" + options.monitor +
                                                  "\": expected a figure of the validation, which has " + names);
  }
  return options.monitor;
}

c10::Device device_of(const Optimizer& optimizer) { return optimizer.parameters().front().device(); }

double seconds_between(std::chrono::steady_clock::time_point begin, std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

RunLength run_length(const TrainerOptions& options, const data::BatchOptions& batches, const data::Dataset& train) {
  if (options.epochs.has_value() == options.max_steps.has_value()) {
    throw_error(StatusCode::kInvalidArgument, "expected exactly one of trainer.epochs and trainer.max_steps");
  }
  const int64_t per_epoch = data::BatchSampler::for_training(train, batches, 0).batches_per_epoch();
  return {options.max_steps ? *options.max_steps : *options.epochs * per_epoch, per_epoch};
}

Trainer::Trainer(TrainerParts parts, RunOptions options, RunFolder folder, std::vector<RunObserver*> observers)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      folder_(std::move(folder)),
      observers_(std::move(observers)),
      sampler_(data::BatchSampler::for_training(*parts_.data.train, options_.batches, options_.seed)),
      length_(run_length(options_.trainer, options_.batches, *parts_.data.train)),
      device_(device_of(*parts_.optimizer)),
      monitor_(chosen_monitor(options_.trainer, *parts_.task)),
      more_is_better_(options_.trainer.monitor_mode.value_or(monitor_.ends_with("accuracy") ? MonitorMode::kMax
                                                                                           : MonitorMode::kMin) ==
                      MonitorMode::kMax),
      guard_(device_),
      step_metrics_([this](const MetricRecord& record, int64_t bad_steps) { take_metrics(record, bad_steps); }),
      checkpoints_(folder_.checkpoints(), options_.checkpoint) {
  state_.seed = options_.seed;
  state_.batch_size = sampler_.batch_size();
  state_.examples_per_epoch = sampler_.examples_per_epoch();
  state_.steps_per_epoch = length_.steps_per_epoch;
}

RunResult Trainer::run(const std::atomic<int>& stop) {
  began_ = Clock::now();
  try {
    // Opened before anything is trained: a folder that can't be written is known at once.
    if (!log_) log_ = std::make_unique<MetricsLog>(MetricsLog::create(folder_.metrics()));
    train(stop);
    if (options_.verify_checkpoint && !stop) verify_last_checkpoint();
    RunResult done = result(stop ? RunStatus::kStopped : RunStatus::kCompleted, "");
    write_summary(folder_.summary(), done);
    for (RunObserver* observer : observers_) observer->on_finish(done);
    return done;
  } catch (const std::exception& error) {
    const auto* own = dynamic_cast<const Error*>(&error);
    const auto* torchs = dynamic_cast<const c10::Error*>(&error);
    const std::string text = (torchs ? torchs->what_without_backtrace() : error.what()) + where_it_ended();
    const RunResult failed = result(RunStatus::kFailed, text);
    try {
      write_summary(folder_.summary(), failed);
    } catch (const Error&) {
      // What ended the run is worth more than what came of writing about it.
    }
    for (RunObserver* observer : observers_) observer->on_finish(failed);
    throw_error(own ? own->code() : StatusCode::kInternal, text);
  }
}

void Trainer::train(const std::atomic<int>& stop) {
  parts_.model->train();
  RunInfo info{device_.str(), 0, length_.total_steps, length_.steps_per_epoch, sampler_.batch_size(), state_.step};
  for (const at::Tensor& parameter : parts_.optimizer->parameters()) info.parameters += parameter.numel();
  for (RunObserver* observer : observers_) observer->on_start(info);

  // A stop can have come between a step and its validation.
  const bool owed = state_.step > 0 && validation_due() && state_.validated_step < state_.step;
  if (owed && validate(stop)) save_checkpoint();

  auto interval_began = Clock::now();
  auto end_interval = [&] {
    training_seconds_ += seconds_between(std::exchange(interval_began, Clock::now()), Clock::now());
  };
  const int64_t log_every = std::max<int64_t>(options_.trainer.log_every_steps, 1);
  while (state_.step < length_.total_steps && !stop) {
    const StepTensors tensors = train_step(state_.step);
    ++state_.step;
    const bool is_logged = state_.step % log_every == 0 || state_.step == 1 || validation_due();
    if (is_logged || step_metrics_.is_due(state_.step)) ask_for_metrics(tensors, is_logged);
    step_metrics_.keep_pace(state_.step);
    for (RunObserver* observer : observers_) observer->on_step(state_.step);
    if (stop) break;

    const bool validates = validation_due();
    if (!validates && !checkpoint_due()) continue;
    step_metrics_.drain();
    end_interval();
    if (validates && !validate(stop)) break;
    if (checkpoint_due()) save_checkpoint();
    interval_began = Clock::now();
  }
  if (stop) end_interval();
  if (stop && saved_step_ != state_.step && state_.step > 0) save_checkpoint();
}

Trainer::StepTensors Trainer::train_step(int64_t number) {
  const std::vector<int64_t> examples = sampler_.batch(number);
  examples_ += static_cast<int64_t>(examples.size());
  parts_.optimizer->set_lr(parts_.schedule(number));
  parts_.optimizer->zero_grad();
  const data::Batch batch = parts_.data.train->gather(examples);
  const at::Tensor output = parts_.model->forward(batch.input);
  StepTensors tensors;
  {
    NameScope scope("loss");
    tensors.loss = parts_.task->loss(output, batch.target);
  }
  tensors.loss.backward();
  NameScope scope("optimizer");
  if (options_.trainer.clip_grad_norm) {
    tensors.grad_norm = nn::utils::clip_grad_norm_(parts_.optimizer->parameters(), *options_.trainer.clip_grad_norm);
  }
  if (options_.trainer.nan_guard) guard_.check(tensors.loss.detach(), tensors.grad_norm);
  parts_.optimizer->step(options_.trainer.nan_guard ? guard_.found_inf() : at::Tensor());
  return tensors;
}

void Trainer::ask_for_metrics(const StepTensors& tensors, bool is_logged) {
  MetricRecord record{state_.step, epoch(), {{"lr", parts_.schedule(state_.step - 1)}}};
  step_metrics_.ask(std::move(record), is_logged, tensors.loss, tensors.grad_norm,
                    options_.trainer.nan_guard ? guard_.bad_steps() : at::Tensor());
}

void Trainer::take_metrics(const MetricRecord& record, int64_t bad_steps) {
  for (RunObserver* observer : observers_) observer->on_done(record.step);
  if (bad_steps > 0) end_at_bad_loss(record.step - bad_steps + 1);
  if (!record.values.empty()) this->record(record);
}

void Trainer::record(const MetricRecord& record) {
  merge_metrics(state_.metrics, record.values);
  log_->write(record);
  for (RunObserver* observer : observers_) observer->on_metrics(record);
}

bool Trainer::validate(const std::atomic<int>& stop) {
  const MetricValues values = evaluate(*parts_.model, *parts_.task, *parts_.data.val, options_.batches, "val",
                                       options_.trainer.limit_val_batches, [&stop] { return stop.load() != 0; });
  if (values.empty()) return false;
  state_.validated_step = state_.step;
  record({state_.step, epoch(), values});
  const double value = *find_metric(values, monitor_);
  const bool better = !state_.best || (more_is_better_ ? value > state_.best->value : value < state_.best->value);
  if (better && std::isfinite(value)) state_.best = BestResult{monitor_, value, state_.step};
  return true;
}

bool Trainer::validation_due() const {
  const int64_t every =
      options_.trainer.val_every_steps > 0 ? options_.trainer.val_every_steps : length_.steps_per_epoch;
  return state_.step == length_.total_steps || state_.step % every == 0;
}

bool Trainer::checkpoint_due() const {
  const bool improved = state_.best && state_.best->step == state_.step && best_step_ != state_.step;
  const int64_t every = options_.checkpoint.every_steps;
  const bool periodic = every > 0 ? state_.step % every == 0 : validation_due();
  return improved || (saved_step_ != state_.step && (periodic || state_.step == length_.total_steps));
}

double Trainer::seconds() const { return state_.seconds + seconds_between(began_, Clock::now()); }

RunResult Trainer::result(RunStatus status, const std::string& error) const {
  RunResult result;
  result.status = status;
  result.steps = state_.step;
  result.steps_per_epoch = length_.steps_per_epoch;
  for (const at::Tensor& parameter : parts_.optimizer->parameters()) result.parameters += parameter.numel();
  result.device = device_.str();
  result.seconds = seconds();
  if (training_seconds_ > 0) result.examples_per_second = static_cast<double>(examples_) / training_seconds_;
  result.metrics = state_.metrics;
  result.best = state_.best;
  if (saved_step_ >= 0) result.checkpoint = checkpoints_.last();
  result.error = error;
  return result;
}

std::string Trainer::where_it_ended() const {
  std::string text = " (the run ended after step " + std::to_string(state_.step) + " of " +
                     std::to_string(length_.total_steps);
  if (saved_step_ < 0) return text + "; there is no checkpoint yet)";
  if (saved_step_ == bad_step_ - 1) {
    return text + "; " + checkpoints_.last().string() +
           " has the weights from before it, which lead to it again: train anew, with another configuration or other "
           "data)";
  }
  return text + "; the last checkpoint is " + checkpoints_.last().string() + ", of step " +
         std::to_string(saved_step_) + ": continue with --resume " + folder_.root.string() + ")";
}

}  // namespace remote::train
