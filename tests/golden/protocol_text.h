#pragma once
#include <string>

namespace remote::golden {

/// One record of every verb and one value of every tag: a name, and below it the bytes in hexadecimal.
std::string records();

/// A whole exchange between a client and a worker, message by message, in the same form. docs/protocol.md quotes it.
std::string exchange();

}  // namespace remote::golden
