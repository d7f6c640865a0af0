#include <ATen/core/dispatch/Dispatcher.h>

#include <iostream>
#include <map>
#include <set>

#include <remote/device/shapes/data_dependent.h>
#include <remote/device/shapes/tables.h>

#include "tests/unit/shapes/shape_check.h"

namespace remote::device {
namespace {

/// The functional ops that reach a PrivateUse1 fallback over PyTorch's operator database (float32, three samples, first
/// order).
constexpr const char* kFunctionalOps[] = {
    "_adaptive_avg_pool2d",
    "_adaptive_avg_pool2d_backward",
    "_adaptive_avg_pool3d",
    "_adaptive_avg_pool3d_backward",
    "_batch_norm_with_update",
    "_cdist_backward",
    "_cdist_forward",
    "_cholesky_solve_helper",
    "_ctc_loss",
    "_ctc_loss_backward",
    "_cummax_helper",
    "_cummin_helper",
    "_embedding_bag",
    "_embedding_bag_backward",
    "_embedding_bag_per_sample_weights_backward",
    "_fft_c2c",
    "_fft_c2r",
    "_fft_r2c",
    "_histogramdd_bin_edges",
    "_histogramdd_from_bin_cts",
    "_histogramdd_from_bin_tensors",
    "_logcumsumexp",
    "_native_batch_norm_legit",
    "_pdist_backward",
    "_pdist_forward",
    "_prelu_kernel",
    "_prelu_kernel_backward",
    "_segment_reduce_backward",
    "_to_sparse",
    "_unique",
    "_unique2",
    "addbmm",
    "angle",
    "batch_norm_backward",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "bucketize.Tensor",
    "channel_shuffle",
    "cholesky",
    "cholesky_inverse",
    "convolution",
    "convolution_backward",
    "count_nonzero.dim_IntList",
    "dot",
    "embedding",
    "embedding_dense_backward",
    "equal",
    "flip",
    "floor_divide",
    "geqrf",
    "glu_backward",
    "grid_sampler_2d",
    "grid_sampler_2d_backward",
    "grid_sampler_3d",
    "grid_sampler_3d_backward",
    "hardswish",
    "hardswish_backward",
    "hardtanh",
    "hardtanh_backward",
    "histc",
    "histogram.bin_ct",
    "histogram.bins_tensor",
    "huber_loss",
    "im2col",
    "index_select",
    "isnan",
    "linalg_eig",
    "linalg_householder_product",
    "linalg_matrix_exp",
    "linalg_solve_triangular",
    "log_sigmoid_backward",
    "log_sigmoid_forward",
    "logit",
    "masked_select",
    "max",
    "max_pool3d_with_indices",
    "max_pool3d_with_indices_backward",
    "max_unpool2d",
    "max_unpool3d",
    "median",
    "min",
    "mode",
    "mse_loss_backward",
    "multi_margin_loss",
    "multi_margin_loss_backward",
    "multilabel_margin_loss_backward",
    "multilabel_margin_loss_forward",
    "multinomial",
    "nanmedian",
    "nansum",
    "native_batch_norm",
    "native_batch_norm_backward",
    "native_dropout",
    "native_dropout_backward",
    "native_group_norm",
    "native_group_norm_backward",
    "native_layer_norm",
    "native_layer_norm_backward",
    "nll_loss2d_backward",
    "nll_loss2d_forward",
    "nonzero",
    "nonzero_static",
    "normal.Tensor_Tensor",
    "normal.Tensor_float",
    "ormqr",
    "prod",
    "relu",
    "replication_pad2d_backward",
    "roll",
    "rrelu_with_noise",
    "rsub.Tensor",
    "searchsorted.Tensor",
    "segment_reduce",
    "silu_backward",
    "std.correction",
    "std_mean.correction",
    "take",
    "trace",
    "unfold_backward",
    "unique_consecutive",
    "var.correction",
    "var_mean.correction",
    "vdot",
    "where.self",
};

/// Those that have no rule although their sizes do not depend on data, and why.
const std::map<std::string, std::string> kAskTheWorker = {};

c10::OperatorName name_of(const std::string& op) {
  const size_t dot = op.find('.');
  return {"aten::" + op.substr(0, dot), dot == op.npos ? "" : op.substr(dot + 1)};
}

TEST(ShapeRuleCoverage, EveryFunctionalOpHasARuleOrAReason) {
  size_t with_rule = 0, data_dependent = 0;
  for (const char* op : kFunctionalOps) {
    const bool has_rule = find_shape_rule(name_of(op)) != nullptr;
    const bool depends = !has_rule && is_data_dependent(name_of(op));
    with_rule += has_rule ? 1 : 0;
    data_dependent += depends ? 1 : 0;
    EXPECT_NE(has_rule || depends, kAskTheWorker.count(op) > 0) << op;
  }
  std::cout << std::size(kFunctionalOps) << " functional ops: " << with_rule << " with a rule, " << data_dependent
            << " data dependent, " << kAskTheWorker.size() << " asked for; " << shape_rule_count() << " rules in all\n";
}

TEST(ShapeRuleCoverage, EveryRuleIsForAnOpThatExists) {
  const std::set<std::string_view> gone{"cholesky"};  // with LibTorch 2.14
  for (const auto& table : shapes::all_rule_tables()) {
    for (const shapes::NamedRule& entry : table) {
      if (gone.count(entry.op) > 0) continue;
      EXPECT_TRUE(c10::Dispatcher::singleton().findSchema(name_of(std::string(entry.op)))) << entry.op;
    }
  }
}

TEST(DataDependence, FollowsTagsAndCorrections) {
  for (const char* op : {"nonzero", "masked_select", "_unique2", "unique_consecutive", "bincount", "_to_sparse",
                         "equal", "_local_scalar_dense", "_ctc_loss.Tensor"}) {
    EXPECT_TRUE(is_data_dependent(name_of(op))) << op;
  }
  for (const char* op : {"_ctc_loss", "relu", "nonzero_static", "no_such_op"})
    EXPECT_FALSE(is_data_dependent(name_of(op))) << op;
}

TEST(ShapeRules, ArgumentsThatTheOpRefusesThrowAndDivideByNothing) {
  const at::Tensor x = filled({2, 3, 8, 8}), w = filled({4, 3, 3, 3}), v = filled({2, 3, 4, 8, 8});
  const Ints ones{1, 1}, zeros{0, 0}, volume_ones{1, 1, 1}, volume_zeros{0, 0, 0};
  const auto refused = [](const char* op, const Values& arguments) {
    EXPECT_THROW(foretold(op, arguments, c10::DeviceType::CPU), c10::Error) << op;
  };
  refused("convolution", {x, w, {}, zeros, zeros, ones, false, zeros, 1});
  refused("convolution", {filled({2, 3, 2, 2}), w, {}, ones, zeros, ones, false, zeros, 1});
  refused("max_pool3d_with_indices", {v, volume_ones, volume_zeros, volume_zeros, volume_ones, false});
  refused("im2col", {x, ones, ones, zeros, zeros});
  refused("im2col", {x, Ints{20, 20}, ones, zeros, ones});
  refused("col2im", {filled({2, 12, 49}), Ints{8, 8}, zeros, ones, zeros, ones});
  refused("arange.start_out", {0, 5, 0, at::empty({0})});
  refused("std.correction", {x, Ints{7}});
}

TEST(ShapeRules, UnknownNamesHaveNone) {
  EXPECT_EQ(find_shape_rule({"aten::nonzero", ""}), nullptr);
  EXPECT_EQ(find_shape_rule({"elsewhere::relu", ""}), nullptr);
  EXPECT_EQ(find_shape_rule({"aten::relu", "no_such_overload"}), nullptr);
}

}  // namespace
}  // namespace remote::device
