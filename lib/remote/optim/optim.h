#pragma once
// remote::optim: the optimizers whose step is one op on the worker. torch::optim's run on a worker as well, op by op.
#include <remote/optim/adam.h>
#include <remote/optim/adamw.h>
#include <remote/optim/sgd.h>
