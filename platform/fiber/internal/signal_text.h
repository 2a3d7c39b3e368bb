// SignalText: a line or two put together in a signal handler: no allocation, no locale, no lock.
#ifndef WEFT_PLATFORM_FIBER_INTERNAL_SIGNAL_TEXT_H_
#define WEFT_PLATFORM_FIBER_INTERNAL_SIGNAL_TEXT_H_

#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace weft::internal {

// Copies what there is room for, and a zero byte.
template <size_t size>
void CopyTextInSignal(const char* from, char (&to)[size]) {
  size_t i = 0;
  for (; from[i] != '\0' && i + 1 < size; ++i) to[i] = from[i];
  to[i] = '\0';
}

// What is too long is cut off.
class SignalText {
 public:
  SignalText& operator<<(const char* text) {
    for (; *text != '\0'; ++text) Add(*text);
    return *this;
  }
  SignalText& operator<<(uint64_t number) { return AddNumber(number, 10); }
  SignalText& Hex(uint64_t number) {
    *this << "0x";
    return AddNumber(number, 16);
  }

  // Writes it to stderr and is empty again.
  void Write() {
    for (size_t written = 0; written < size_;) {
      const ssize_t n = write(STDERR_FILENO, text_ + written, size_ - written);
      if (n <= 0) break;  // Nobody is left to be told.
      written += static_cast<size_t>(n);
    }
    size_ = 0;
  }

 private:
  void Add(char c) {
    if (size_ < sizeof(text_)) text_[size_++] = c;
  }
  SignalText& AddNumber(uint64_t number, unsigned base) {
    char digits[20];
    size_t count = 0;
    do {
      digits[count++] = "0123456789abcdef"[number % base];
      number /= base;
    } while (number != 0);
    while (count > 0) Add(digits[--count]);
    return *this;
  }

  size_t size_ = 0;
  char text_[1024];
};

}  // namespace weft::internal

#endif  // WEFT_PLATFORM_FIBER_INTERNAL_SIGNAL_TEXT_H_
