#pragma once
// For files that use the C++ frontend: torch::nn, torch::optim, autograd.
#include <torch/torch.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
