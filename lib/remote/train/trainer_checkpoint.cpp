#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include <remote/device/error.h>
#include <remote/train/rng.h>
#include <remote/train/state_dict.h>
#include <remote/train/trainer.h>

// The part of Trainer that saves, resumes and verifies.

namespace remote::train {
namespace {

const std::string kAdvice = "A lower learning rate, or trainer.clip_grad_norm, may help";

/// The name of a floating-point tensor that has a value which is no finite number, or "".
std::string not_finite(const NamedTensors& tensors) {
  for (const NamedTensor& entry : tensors) {
    if (at::isFloatingType(entry.tensor.scalar_type()) && !at::isfinite(entry.tensor).all().item<bool>())
      return entry.name;
  }
  return "";
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor left = a.contiguous(), right = b.contiguous();
  return left.numel() == 0 || std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

template <class T>
void expect_same(const char* what, T there, T here) {
  if (there == here) return;
  throw_error(StatusCode::kFailedPrecondition,
              std::string("this is not the run of the checkpoint, its order of data would be another: ") + what +
                  " was " + std::to_string(there) + " and is now " + std::to_string(here));
}

}  // namespace

Checkpoint Trainer::fetch_checkpoint() const {
  // All are asked for before the first is waited for, so that they cost one round trip.
  NamedTensors wanted = state_dict(*parts_.model);
  const auto model_count = static_cast<std::ptrdiff_t>(wanted.size());
  for (NamedTensor& entry : parts_.optimizer->state()) wanted.push_back(std::move(entry));
  const NamedTensors values = fetch_all(wanted);

  Checkpoint checkpoint;
  checkpoint.model.assign(values.begin(), values.begin() + model_count);
  checkpoint.optimizer.assign(values.begin() + model_count, values.end());
  checkpoint.metadata = parts_.data.metadata;
  checkpoint.rng = rng_state(device_);
  checkpoint.state = state_;
  checkpoint.state.seconds = seconds();
  return checkpoint;
}

void Trainer::save_checkpoint() {
  step_metrics_.drain();
  log_->sync();
  const FetchFuture<float> bad_steps = fetch_scalar<float>(guard_.bad_steps());
  const Checkpoint checkpoint = fetch_checkpoint();
  if (options_.trainer.nan_guard) {
    if (const auto bad = static_cast<int64_t>(bad_steps.get()); bad > 0) end_at_bad_loss(state_.step - bad + 1);
    // A finite loss can still have a gradient that is not.
    if (const std::string name = not_finite(checkpoint.model); !name.empty()) {
      throw_error(StatusCode::kOutOfRange,
                  "a value of " + name + " is not a finite number; it was not saved. " + kAdvice);
    }
  }
  store(checkpoint);
}

void Trainer::store(const Checkpoint& checkpoint) {
  const bool is_best = state_.best && state_.best->step == state_.step;
  checkpoints_.save(checkpoint, is_best);
  saved_step_ = state_.step;
  if (is_best) best_step_ = state_.step;
  for (RunObserver* observer : observers_) observer->on_checkpoint(state_.step, is_best);
}

void Trainer::end_at_bad_loss(int64_t first_bad_step) {
  state_.step = first_bad_step - 1;
  bad_step_ = first_bad_step;
  // An earlier checkpoint is the better one to go on from: the weights of now lead to this loss.
  if (parts_.optimizer->honours_found_inf() && saved_step_ < 0 && state_.step > 0) {
    // The optimizer changed nothing since. Only the random numbers have moved on, by the steps that did not count.
    const Checkpoint checkpoint = fetch_checkpoint();
    if (not_finite(checkpoint.model).empty() && not_finite(checkpoint.optimizer).empty()) store(checkpoint);
  }
  throw_error(StatusCode::kOutOfRange, "the loss of step " + std::to_string(first_bad_step) +
                                           " is not a finite number; what it did to the weights was not saved. " +
                                           kAdvice);
}

void Trainer::resume() {
  const std::string source = "the checkpoint " + checkpoints_.last().string();
  const Checkpoint checkpoint = read_checkpoint(checkpoints_.last());
  expect_same("seed", checkpoint.state.seed, state_.seed);
  expect_same("data.batch_size", checkpoint.state.batch_size, state_.batch_size);
  expect_same("the number of examples", checkpoint.state.examples_per_epoch, state_.examples_per_epoch);
  expect_same("the number of steps to an epoch", checkpoint.state.steps_per_epoch, state_.steps_per_epoch);
  check_metadata(parts_.data.metadata, checkpoint.metadata, source);

  load_state_dict(*parts_.model, checkpoint.model, source);
  parts_.optimizer->load_state(checkpoint.optimizer, source);
  checkpoints_.clean_up(checkpoint.state);
  log_ = std::make_unique<MetricsLog>(MetricsLog::resume(folder_.metrics(), checkpoint.state.step));
  state_ = checkpoint.state;
  saved_step_ = state_.step;
  best_step_ = state_.best ? state_.best->step : -1;
  // Last, because what came before may have drawn.
  set_rng_state(device_, checkpoint.rng);
}

void Trainer::verify_last_checkpoint() {
  const std::string source = "the checkpoint " + checkpoints_.last().string();
  const Checkpoint checkpoint = read_checkpoint(checkpoints_.last());
  auto expect_as_saved = [&](const NamedTensors& own, const NamedTensors& saved) {
    for (const NamedTensor& entry : fetch_all(own)) {
      auto found =
          std::find_if(saved.begin(), saved.end(), [&](const auto& other) { return other.name == entry.name; });
      if (found == saved.end() || !same_bits(entry.tensor, found->tensor)) {
        throw_error(StatusCode::kDataLoss, source + " does not hold what was trained: " + entry.name + " differs");
      }
    }
  };
  expect_as_saved(state_dict(*parts_.model), checkpoint.model);
  expect_as_saved(parts_.optimizer->state(), checkpoint.optimizer);
  load_state_dict(*parts_.model, checkpoint.model, source);
  parts_.optimizer->load_state(checkpoint.optimizer, source);
  expect_as_saved(state_dict(*parts_.model), checkpoint.model);
  expect_as_saved(parts_.optimizer->state(), checkpoint.optimizer);
}

void shrink_to_smoke_run(RunOptions& options) {
  constexpr int64_t kSteps = 4;
  options.trainer.epochs = std::nullopt;
  options.trainer.max_steps = std::min(options.trainer.max_steps.value_or(kSteps), kSteps);
  options.trainer.val_every_steps = kSteps / 2;
  options.trainer.limit_val_batches = std::min<int64_t>(options.trainer.limit_val_batches.value_or(2), 2);
  options.trainer.log_every_steps = 1;
  options.checkpoint.every_steps = 0;
  options.verify_checkpoint = true;
}

}  // namespace remote::train
