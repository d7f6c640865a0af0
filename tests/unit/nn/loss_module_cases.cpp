#include "module_case.h"

namespace remote::nn::test {

void add_losses(ModuleCases& c) {
  const at::Tensor x = numbers({4, 3}), y = other_numbers({4, 3}), z = numbers({4, 3}) * 0.5 + 0.1;
  const at::Tensor classes = indices(3, {4});
  REMOTE_NN_CASE(c, L1Loss, 2, (x, y));
  REMOTE_NN_CASE(c, MSELoss, 2, (x, y));
  REMOTE_NN_CASE(c, SmoothL1Loss, 2, (x, y));
  REMOTE_NN_CASE(c, HuberLoss, 2, (x, y));
  REMOTE_NN_CASE(c, KLDivLoss, 2, (x.log_softmax(1), y.softmax(1)), KLDivLossOptions().reduction(torch::kBatchMean));
  REMOTE_NN_CASE(c, BCELoss, 2, (x.sigmoid(), without_gradient(flags({4, 3}))));
  REMOTE_NN_CASE(c, BCEWithLogitsLoss, 2, (x, without_gradient(flags({4, 3}))));
  REMOTE_NN_CASE(c, HingeEmbeddingLoss, 2, (x, without_gradient(signs({4, 3}))));
  REMOTE_NN_CASE(c, SoftMarginLoss, 2, (x, without_gradient(signs({4, 3}))));
  REMOTE_NN_CASE(c, MultiMarginLoss, 2, (x, classes));
  const at::Tensor labels = at::tensor({2, 0, -1, 1, -1, -1, 0, 1, 2, -1, 0, 1}, at::kLong).view({4, 3});
  REMOTE_NN_CASE(c, MultiLabelMarginLoss, 2, (x, labels));
  REMOTE_NN_CASE(c, MultiLabelSoftMarginLoss, 2, (x, without_gradient(flags({4, 3}))));
  REMOTE_NN_CASE(c, NLLLoss, 2, (x.log_softmax(1), classes));
  REMOTE_NN_CASE(c, CrossEntropyLoss, 2, (x, classes), CrossEntropyLossOptions().label_smoothing(0.1));
  REMOTE_NN_CASE(c, PoissonNLLLoss, 2, (x, y.abs()));
  REMOTE_NN_CASE(c, CosineEmbeddingLoss, 3, (x, y, without_gradient(signs({4}))));
  REMOTE_NN_CASE(c, MarginRankingLoss, 3, (x, y, without_gradient(signs({4, 3}))));
  REMOTE_NN_CASE(c, TripletMarginLoss, 3, (x, y, z));
  REMOTE_NN_CASE(c, TripletMarginWithDistanceLoss, 3, (x, y, z));
  REMOTE_NN_CASE(c, CosineSimilarity, 2, (x, y));
  REMOTE_NN_CASE(c, PairwiseDistance, 2, (x, y));
  REMOTE_NN_CASE(c, CTCLoss, 4,
                 (numbers({6, 2, 4}).log_softmax(2), indices(3, {2, 3}) + 1, local(at::full({2}, 6, at::kLong)),
                  local(at::full({2}, 3, at::kLong))));
}

}  // namespace remote::nn::test
