#pragma once
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "models.h"

namespace remote::test {

enum class Optimizer { kSgd, kAdamW, kFusedSgd, kFusedAdamW };

/// What a training run has left behind.
struct TrainingRun {
  std::vector<float> losses;                      ///< of every step
  std::map<std::string, torch::Tensor> weights;   ///< parameters and buffers after it, on the CPU
  Stats first_step;                               ///< what the device did in it; nothing on the CPU
  Stats later_steps;
};

/// More than 300 steps, 38 epochs of 8 batches, the last of which is incomplete.
inline constexpr int kSteps = 304;

/// Trains a task on a device as any LibTorch program would: model made there, data moved there once, each batch
/// gathered by the indices that a generator of its own on the CPU draws, losses read at the end.
TrainingRun train(const Task& task, Optimizer optimizer, torch::Device device, int steps = kSteps);

/// Whether two runs have the same losses at every step and the same weights, bit for bit.
testing::AssertionResult same_bits(const TrainingRun& expected, const TrainingRun& actual);

}  // namespace remote::test
