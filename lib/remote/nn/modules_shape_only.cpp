#include <remote/nn/define_modules.h>

namespace remote::nn {

REMOTE_NN_SHAPE_ONLY_MODULES(REMOTE_NN_DEFINE)

}  // namespace remote::nn
