#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <random>

namespace weft::fuzz {
namespace {

// What parsers take for an end, a limit or a beginning.
const std::vector<std::string>& Tokens() {
  static const auto* const tokens = new std::vector<std::string>{
      std::string(1, '\0'),
      "\n",
      "\r\n",
      "\xff",
      "\xc3",
      "%",
      "%00",
      "-1",
      "0",
      "2147483648",
      "9223372036854775807",
      "9223372036854775808",
      "18446744073709551616",
      "1e999",
      "nan",
      "inf",
      ".",
      "..",
      ",",
      ":",
      "=",
      "&",
      "[",
      "]",
      "{",
      "}",
      "\"",
      "\\",
      "<",
      "\\u0000",
      "\\ud800",
  };
  return *tokens;
}

class Mutator {
 public:
  Mutator(const std::vector<std::string>& corpus, uint64_t seed)
      : corpus_(corpus), random_(seed), input_(Pick(corpus)) {}

  std::string Run() {
    const size_t changes = 1 + Below(8);
    for (size_t i = 0; i < changes; ++i) Change();
    input_.resize(std::min(input_.size(), kMaxInputBytes));
    return std::move(input_);
  }

 private:
  // Not by a distribution of the standard library, which may differ between libraries.
  size_t Below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  const std::string& Pick(const std::vector<std::string>& from) { return from[Below(from.size())]; }

  // A piece of `text`, mostly short.
  std::string Piece(const std::string& text) {
    const size_t at = Below(text.size());
    return text.substr(at, 1 + Below(Below(4) == 0 ? text.size() : 8));
  }

  void Change() {
    const size_t at = Below(input_.size() + 1);
    switch (Below(8)) {
      case 0:
        if (at < input_.size()) input_[at] = static_cast<char>(Below(256));
        break;
      case 1:
        if (at < input_.size()) input_[at] = static_cast<char>(input_[at] ^ (1 << Below(8)));
        break;
      case 2:
        input_.insert(at, 1 + Below(4), static_cast<char>(Below(256)));
        break;
      case 3:
        input_.erase(at, 1 + Below(Below(4) == 0 ? input_.size() : 8));
        break;
      case 4:
        input_.insert(at, Piece(input_));
        break;
      case 5:
        input_.insert(at, Piece(Pick(corpus_)));
        break;
      case 6:
        input_.insert(at, Pick(Tokens()));
        break;
      default: {  // The end of another input behind the beginning of this one.
        const std::string& other = Pick(corpus_);
        input_ = input_.substr(0, at) + other.substr(Below(other.size() + 1));
      }
    }
  }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
  std::string input_;
};

}  // namespace

std::string Mutate(const std::vector<std::string>& corpus, uint64_t seed) {
  return Mutator(corpus, seed).Run();
}

}  // namespace weft::fuzz
