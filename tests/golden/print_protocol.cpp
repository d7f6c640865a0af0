// Makes the golden files anew, after a change of the protocol that was meant:
//   print_protocol records > tests/golden/records.txt
//   print_protocol exchange > tests/golden/exchange.txt
#include <cstring>
#include <iostream>

#include "protocol_text.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "records") == 0) {
    std::cout << remote::golden::records();
  } else if (argc == 2 && std::strcmp(argv[1], "exchange") == 0) {
    std::cout << remote::golden::exchange();
  } else {
    std::cerr << "usage: print_protocol records|exchange\n";
    return 2;
  }
}
