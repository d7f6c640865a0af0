#pragma once
// remote::amp: training in lower precision, with the names and defaults of Python's torch.amp.
#include <remote/amp/autocast_scope.h>
#include <remote/amp/grad_scaler.h>
