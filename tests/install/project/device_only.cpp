#include <ATen/ATen.h>

#include <iostream>

int main() {
  const at::Tensor x = at::arange(4, at::TensorOptions().dtype(at::kFloat).device("remote:0"));
  std::cout << "sum " << x.sum().item<float>() << " on " << x.device() << std::endl;
}
