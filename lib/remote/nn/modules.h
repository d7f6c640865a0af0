#pragma once
#include <torch/nn.h>

#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <remote/nn/born.h>
#include <remote/nn/module_list.h>
#include <remote/tensor/current_device.h>

/// Every module of torch::nn under the same name, with the same options, holders and methods, born on the worker: its
/// parameters and buffers are made and initialised there, on remote:0 or on the device of an enclosing DeviceScope, and
/// nothing is uploaded. A module is a torch::nn module (of a type derived from torch::nn's), so both kinds mix freely.
///
/// clone() keeps the type, uploads nothing and draws no local random number. An error in a forward pass names the
/// module; after remote::name_parameters(model), by its path in the model.
///
/// Tensors that the options bring (the weight of a loss, a given embedding) stay where they are: make them remote. A
/// layer that is given to TransformerEncoder or TransformerDecoder is copied to the worker.
namespace remote::nn {

// Options, containers, functional, init: what makes no tensor by itself is LibTorch's.
using namespace torch::nn;  // NOLINT

#define REMOTE_NN_DECLARE_IMPL(Name, PARAMETERS, ARGUMENTS)                                              \
  class Name##Impl : public detail::Born<torch::nn::Name##Impl> {                                        \
   public:                                                                                               \
    using detail::Born<torch::nn::Name##Impl>::Born;                                                     \
    auto forward PARAMETERS {                                                                            \
      return run_forward(#Name, [&] { return torch::nn::Name##Impl::forward ARGUMENTS; });               \
    }                                                                                                    \
    std::shared_ptr<torch::nn::Module> clone(                                                            \
        const std::optional<c10::Device>& device = std::nullopt) const override;                         \
  };

// The conversion lets a module go where one of torch::nn's type is asked for, for instance into TransformerEncoder.
#define REMOTE_NN_HOLDER_BODY(Name)                                                                      \
  using torch::nn::ModuleHolder<Name##Impl>::ModuleHolder;                                               \
  using Impl = Name##Impl;                                                                               \
  operator torch::nn::Name() const { return std::static_pointer_cast<torch::nn::Name##Impl>(ptr()); }

#define REMOTE_NN_DECLARE_HOLDER(Name, PARAMETERS, ARGUMENTS) \
  class Name : public torch::nn::ModuleHolder<Name##Impl> {   \
   public:                                                    \
    REMOTE_NN_HOLDER_BODY(Name)                               \
  };

REMOTE_NN_MODULES(REMOTE_NN_DECLARE_IMPL)
REMOTE_NN_PARAMETER_MODULES(REMOTE_NN_DECLARE_HOLDER)
REMOTE_NN_SHAPE_ONLY_MODULES(REMOTE_NN_DECLARE_HOLDER)

class Embedding : public torch::nn::ModuleHolder<EmbeddingImpl> {
 public:
  REMOTE_NN_HOLDER_BODY(Embedding)

  /// An embedding of the values of a [rows, columns] tensor, which is uploaded when it is on the CPU.
  static Embedding from_pretrained(const at::Tensor& embeddings, const EmbeddingFromPretrainedOptions& options = {}) {
    auto original = torch::nn::Embedding::from_pretrained(embeddings.to(current_device()), options);
    return std::make_shared<EmbeddingImpl>(*original);
  }
};

class EmbeddingBag : public torch::nn::ModuleHolder<EmbeddingBagImpl> {
 public:
  REMOTE_NN_HOLDER_BODY(EmbeddingBag)

  /// As Embedding::from_pretrained().
  static EmbeddingBag from_pretrained(const at::Tensor& embeddings,
                                      const EmbeddingBagFromPretrainedOptions& options = {}) {
    auto original = torch::nn::EmbeddingBag::from_pretrained(embeddings.to(current_device()), options);
    return std::make_shared<EmbeddingBagImpl>(*original);
  }
};

#undef REMOTE_NN_DECLARE_IMPL
#undef REMOTE_NN_HOLDER_BODY
#undef REMOTE_NN_DECLARE_HOLDER

}  // namespace remote::nn
