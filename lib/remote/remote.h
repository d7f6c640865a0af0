#pragma once
// The whole of remote::, and the parts of LibTorch's C++ frontend that a training program needs.
#include <torch/nn.h>
#include <torch/optim.h>
#include <torch/serialize.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <remote/amp/amp.h>
#include <remote/connect.h>
#include <remote/data/dataset.h>
#include <remote/device/device_scope.h>
#include <remote/device/error.h>
#include <remote/device/name_scope.h>
#include <remote/device/storage_registry.h>
#include <remote/name_parameters.h>
#include <remote/nn/nn.h>
#include <remote/optim/optim.h>
#include <remote/stats.h>
#include <remote/tensor/current_device.h>
#include <remote/tensor/fetch.h>
#include <remote/tensor/remote_tensor.h>
