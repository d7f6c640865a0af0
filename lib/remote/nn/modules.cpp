#include <remote/nn/define_modules.h>

namespace remote::nn {

REMOTE_NN_PARAMETER_MODULES(REMOTE_NN_DEFINE)
REMOTE_NN_EMBEDDING_MODULES(REMOTE_NN_DEFINE)

}  // namespace remote::nn
