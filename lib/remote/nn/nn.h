#pragma once
// remote::nn: torch::nn with its modules born on the worker.
#include <remote/nn/modules.h>
#include <remote/nn/utils/clip_grad.h>
