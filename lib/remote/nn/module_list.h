#pragma once
// The one list of remote::nn's modules: every type of torch::nn that has a forward() of its own. What holds other
// modules or given tensors (Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict, Functional, AnyModule)
// makes no tensor, so torch::nn's own serve. tests/unit/nn compares the list with LibTorch's headers.
//
// An entry is _(Name, (parameters of forward), (its arguments)): torch::nn's names and default values.

#define REMOTE_NN_UNARY(_, Name) _(Name, (const at::Tensor& input), (input))
#define REMOTE_NN_LOSS(_, Name) _(Name, (const at::Tensor& input, const at::Tensor& target), (input, target))
#define REMOTE_NN_PAIR(_, Name) _(Name, (const at::Tensor& input1, const at::Tensor& input2), (input1, input2))

/// Modules that make parameters or buffers, or children that do.
#define REMOTE_NN_PARAMETER_MODULES(_)                                                                                 \
  REMOTE_NN_UNARY(_, Linear)                                                                                           \
  REMOTE_NN_PAIR(_, Bilinear)                                                                                          \
  REMOTE_NN_UNARY(_, PReLU)                                                                                            \
  REMOTE_NN_UNARY(_, Conv1d)                                                                                           \
  REMOTE_NN_UNARY(_, Conv2d)                                                                                           \
  REMOTE_NN_UNARY(_, Conv3d)                                                                                           \
  _(ConvTranspose1d, (const at::Tensor& input, const std::optional<at::IntArrayRef>& output_size = std::nullopt),      \
    (input, output_size))                                                                                              \
  _(ConvTranspose2d, (const at::Tensor& input, const std::optional<at::IntArrayRef>& output_size = std::nullopt),      \
    (input, output_size))                                                                                              \
  _(ConvTranspose3d, (const at::Tensor& input, const std::optional<at::IntArrayRef>& output_size = std::nullopt),      \
    (input, output_size))                                                                                              \
  REMOTE_NN_UNARY(_, BatchNorm1d)                                                                                      \
  REMOTE_NN_UNARY(_, BatchNorm2d)                                                                                      \
  REMOTE_NN_UNARY(_, BatchNorm3d)                                                                                      \
  REMOTE_NN_UNARY(_, InstanceNorm1d)                                                                                   \
  REMOTE_NN_UNARY(_, InstanceNorm2d)                                                                                   \
  REMOTE_NN_UNARY(_, InstanceNorm3d)                                                                                   \
  REMOTE_NN_UNARY(_, LayerNorm)                                                                                        \
  REMOTE_NN_UNARY(_, GroupNorm)                                                                                        \
  _(RNN, (const at::Tensor& input, at::Tensor hx = {}), (input, std::move(hx)))                                        \
  _(GRU, (const at::Tensor& input, at::Tensor hx = {}), (input, std::move(hx)))                                        \
  _(LSTM, (const at::Tensor& input, std::optional<std::tuple<at::Tensor, at::Tensor>> hx_opt = {}),                    \
    (input, std::move(hx_opt)))                                                                                        \
  _(RNNCell, (const at::Tensor& input, const at::Tensor& hx = {}), (input, hx))                                        \
  _(GRUCell, (const at::Tensor& input, const at::Tensor& hx = {}), (input, hx))                                        \
  _(LSTMCell, (const at::Tensor& input, std::optional<std::tuple<at::Tensor, at::Tensor>> hx_opt = {}),                \
    (input, std::move(hx_opt)))                                                                                        \
  _(MultiheadAttention,                                                                                                \
    (const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const at::Tensor& key_padding_mask = {}, \
     bool need_weights = true, const at::Tensor& attn_mask = {}, bool average_attn_weights = true),                    \
    (query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights))                              \
  _(TransformerEncoderLayer,                                                                                           \
    (const at::Tensor& src, const at::Tensor& src_mask = {}, const at::Tensor& src_key_padding_mask = {}),             \
    (src, src_mask, src_key_padding_mask))                                                                             \
  _(TransformerEncoder,                                                                                                \
    (const at::Tensor& src, const at::Tensor& src_mask = {}, const at::Tensor& src_key_padding_mask = {}),             \
    (src, src_mask, src_key_padding_mask))                                                                             \
  _(TransformerDecoderLayer,                                                                                           \
    (const at::Tensor& tgt, const at::Tensor& memory, const at::Tensor& tgt_mask = {},                                 \
     const at::Tensor& memory_mask = {}, const at::Tensor& tgt_key_padding_mask = {},                                  \
     const at::Tensor& memory_key_padding_mask = {}),                                                                  \
    (tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask))                               \
  _(TransformerDecoder,                                                                                                \
    (const at::Tensor& tgt, const at::Tensor& memory, const at::Tensor& tgt_mask = {},                                 \
     const at::Tensor& memory_mask = {}, const at::Tensor& tgt_key_padding_mask = {},                                  \
     const at::Tensor& memory_key_padding_mask = {}),                                                                  \
    (tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask))                               \
  _(Transformer,                                                                                                       \
    (const at::Tensor& src, const at::Tensor& tgt, const at::Tensor& src_mask = {}, const at::Tensor& tgt_mask = {},   \
     const at::Tensor& memory_mask = {}, const at::Tensor& src_key_padding_mask = {},                                  \
     const at::Tensor& tgt_key_padding_mask = {}, const at::Tensor& memory_key_padding_mask = {}),                     \
    (src, tgt, src_mask, tgt_mask, memory_mask, src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask))  \
  REMOTE_NN_LOSS(_, AdaptiveLogSoftmaxWithLoss)

/// The same; their holders have from_pretrained().
#define REMOTE_NN_EMBEDDING_MODULES(_)                                                                                 \
  _(Embedding, (const at::Tensor& indices), (indices))                                                                 \
  _(EmbeddingBag,                                                                                                      \
    (const at::Tensor& input, const at::Tensor& offsets = {}, const at::Tensor& per_sample_weights = {}),              \
    (input, offsets, per_sample_weights))

/// Modules without tensors of their own, except those that their options bring.
#define REMOTE_NN_SHAPE_ONLY_MODULES(_)                                                                                \
  REMOTE_NN_UNARY(_, Identity)                                                                                         \
  REMOTE_NN_UNARY(_, Flatten)                                                                                          \
  REMOTE_NN_UNARY(_, Unflatten)                                                                                        \
  REMOTE_NN_UNARY(_, ELU)                                                                                              \
  REMOTE_NN_UNARY(_, SELU)                                                                                             \
  REMOTE_NN_UNARY(_, Hardshrink)                                                                                       \
  REMOTE_NN_UNARY(_, Hardtanh)                                                                                         \
  REMOTE_NN_UNARY(_, LeakyReLU)                                                                                        \
  REMOTE_NN_UNARY(_, LogSigmoid)                                                                                       \
  REMOTE_NN_UNARY(_, Softmax)                                                                                          \
  REMOTE_NN_UNARY(_, Softmin)                                                                                          \
  REMOTE_NN_UNARY(_, LogSoftmax)                                                                                       \
  REMOTE_NN_UNARY(_, Softmax2d)                                                                                        \
  REMOTE_NN_UNARY(_, ReLU)                                                                                             \
  REMOTE_NN_UNARY(_, ReLU6)                                                                                            \
  REMOTE_NN_UNARY(_, RReLU)                                                                                            \
  REMOTE_NN_UNARY(_, CELU)                                                                                             \
  REMOTE_NN_UNARY(_, GLU)                                                                                              \
  REMOTE_NN_UNARY(_, GELU)                                                                                             \
  REMOTE_NN_UNARY(_, SiLU)                                                                                             \
  REMOTE_NN_UNARY(_, Mish)                                                                                             \
  REMOTE_NN_UNARY(_, Sigmoid)                                                                                          \
  REMOTE_NN_UNARY(_, Softplus)                                                                                         \
  REMOTE_NN_UNARY(_, Softshrink)                                                                                       \
  REMOTE_NN_UNARY(_, Softsign)                                                                                         \
  REMOTE_NN_UNARY(_, Tanh)                                                                                             \
  REMOTE_NN_UNARY(_, Tanhshrink)                                                                                       \
  REMOTE_NN_UNARY(_, Threshold)                                                                                        \
  REMOTE_NN_UNARY(_, Dropout)                                                                                          \
  REMOTE_NN_UNARY(_, Dropout2d)                                                                                        \
  REMOTE_NN_UNARY(_, Dropout3d)                                                                                        \
  REMOTE_NN_UNARY(_, AlphaDropout)                                                                                     \
  REMOTE_NN_UNARY(_, FeatureAlphaDropout)                                                                              \
  REMOTE_NN_UNARY(_, LocalResponseNorm)                                                                                \
  REMOTE_NN_UNARY(_, CrossMapLRN2d)                                                                                    \
  REMOTE_NN_UNARY(_, Fold)                                                                                             \
  REMOTE_NN_UNARY(_, Unfold)                                                                                           \
  REMOTE_NN_UNARY(_, PixelShuffle)                                                                                     \
  REMOTE_NN_UNARY(_, PixelUnshuffle)                                                                                   \
  REMOTE_NN_UNARY(_, Upsample)                                                                                         \
  REMOTE_NN_UNARY(_, AvgPool1d)                                                                                        \
  REMOTE_NN_UNARY(_, AvgPool2d)                                                                                        \
  REMOTE_NN_UNARY(_, AvgPool3d)                                                                                        \
  REMOTE_NN_UNARY(_, MaxPool1d)                                                                                        \
  REMOTE_NN_UNARY(_, MaxPool2d)                                                                                        \
  REMOTE_NN_UNARY(_, MaxPool3d)                                                                                        \
  REMOTE_NN_UNARY(_, AdaptiveAvgPool1d)                                                                                \
  REMOTE_NN_UNARY(_, AdaptiveAvgPool2d)                                                                                \
  REMOTE_NN_UNARY(_, AdaptiveAvgPool3d)                                                                                \
  REMOTE_NN_UNARY(_, AdaptiveMaxPool1d)                                                                                \
  REMOTE_NN_UNARY(_, AdaptiveMaxPool2d)                                                                                \
  REMOTE_NN_UNARY(_, AdaptiveMaxPool3d)                                                                                \
  REMOTE_NN_UNARY(_, FractionalMaxPool2d)                                                                              \
  REMOTE_NN_UNARY(_, FractionalMaxPool3d)                                                                              \
  REMOTE_NN_UNARY(_, LPPool1d)                                                                                         \
  REMOTE_NN_UNARY(_, LPPool2d)                                                                                         \
  REMOTE_NN_UNARY(_, LPPool3d)                                                                                         \
  _(MaxUnpool1d,                                                                                                       \
    (const at::Tensor& input, const at::Tensor& indices,                                                               \
     const std::optional<std::vector<int64_t>>& output_size = std::nullopt),                                           \
    (input, indices, output_size))                                                                                     \
  _(MaxUnpool2d,                                                                                                       \
    (const at::Tensor& input, const at::Tensor& indices,                                                               \
     const std::optional<std::vector<int64_t>>& output_size = std::nullopt),                                           \
    (input, indices, output_size))                                                                                     \
  _(MaxUnpool3d,                                                                                                       \
    (const at::Tensor& input, const at::Tensor& indices,                                                               \
     const std::optional<std::vector<int64_t>>& output_size = std::nullopt),                                           \
    (input, indices, output_size))                                                                                     \
  REMOTE_NN_UNARY(_, ReflectionPad1d)                                                                                  \
  REMOTE_NN_UNARY(_, ReflectionPad2d)                                                                                  \
  REMOTE_NN_UNARY(_, ReflectionPad3d)                                                                                  \
  REMOTE_NN_UNARY(_, ReplicationPad1d)                                                                                 \
  REMOTE_NN_UNARY(_, ReplicationPad2d)                                                                                 \
  REMOTE_NN_UNARY(_, ReplicationPad3d)                                                                                 \
  REMOTE_NN_UNARY(_, ZeroPad1d)                                                                                        \
  REMOTE_NN_UNARY(_, ZeroPad2d)                                                                                        \
  REMOTE_NN_UNARY(_, ZeroPad3d)                                                                                        \
  REMOTE_NN_UNARY(_, ConstantPad1d)                                                                                    \
  REMOTE_NN_UNARY(_, ConstantPad2d)                                                                                    \
  REMOTE_NN_UNARY(_, ConstantPad3d)                                                                                    \
  REMOTE_NN_PAIR(_, CosineSimilarity)                                                                                  \
  REMOTE_NN_PAIR(_, PairwiseDistance)                                                                                  \
  REMOTE_NN_LOSS(_, L1Loss)                                                                                            \
  REMOTE_NN_LOSS(_, KLDivLoss)                                                                                         \
  REMOTE_NN_LOSS(_, MSELoss)                                                                                           \
  REMOTE_NN_LOSS(_, BCELoss)                                                                                           \
  REMOTE_NN_LOSS(_, BCEWithLogitsLoss)                                                                                 \
  REMOTE_NN_LOSS(_, HingeEmbeddingLoss)                                                                                \
  REMOTE_NN_LOSS(_, MultiMarginLoss)                                                                                   \
  REMOTE_NN_LOSS(_, MultiLabelMarginLoss)                                                                              \
  REMOTE_NN_LOSS(_, MultiLabelSoftMarginLoss)                                                                          \
  REMOTE_NN_LOSS(_, SoftMarginLoss)                                                                                    \
  REMOTE_NN_LOSS(_, SmoothL1Loss)                                                                                      \
  REMOTE_NN_LOSS(_, HuberLoss)                                                                                         \
  REMOTE_NN_LOSS(_, NLLLoss)                                                                                           \
  REMOTE_NN_LOSS(_, CrossEntropyLoss)                                                                                  \
  _(PoissonNLLLoss, (const at::Tensor& log_input, const at::Tensor& targets), (log_input, targets))                    \
  _(CosineEmbeddingLoss, (const at::Tensor& input1, const at::Tensor& input2, const at::Tensor& target),               \
    (input1, input2, target))                                                                                          \
  _(MarginRankingLoss, (const at::Tensor& input1, const at::Tensor& input2, const at::Tensor& targets),                \
    (input1, input2, targets))                                                                                         \
  _(TripletMarginLoss, (const at::Tensor& anchor, const at::Tensor& positive, const at::Tensor& negative),             \
    (anchor, positive, negative))                                                                                      \
  _(TripletMarginWithDistanceLoss, (const at::Tensor& anchor, const at::Tensor& positive, const at::Tensor& negative), \
    (anchor, positive, negative))                                                                                      \
  _(CTCLoss,                                                                                                           \
    (const at::Tensor& log_probs, const at::Tensor& targets, const at::Tensor& input_lengths,                          \
     const at::Tensor& target_lengths),                                                                                \
    (log_probs, targets, input_lengths, target_lengths))

#define REMOTE_NN_MODULES(_)     \
  REMOTE_NN_PARAMETER_MODULES(_) \
  REMOTE_NN_EMBEDDING_MODULES(_) \
  REMOTE_NN_SHAPE_ONLY_MODULES(_)
