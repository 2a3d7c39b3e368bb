// CodeWriter: C++ text with indentation and lines of at most 100 columns, broken as clang-format
// breaks them, so that generated code reads like the rest of the tree.
#ifndef WEFT_PLATFORM_RPC_CODEGEN_CODE_WRITER_H_
#define WEFT_PLATFORM_RPC_CODEGEN_CODE_WRITER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace weft::rpc::codegen {

class CodeWriter {
 public:
  static constexpr int kColumnsMax = 100;

  // Spaces before the lines that follow.
  void SetIndent(int columns) { indent_ = columns; }

  // One line; an empty one has no trailing spaces.
  void Line(absl::string_view text = {});

  // A line comment for each line of `text`, as the comments of a .proto arrive from protoc: with
  // the space behind the slashes, and without the slashes.
  void Comment(absl::string_view text);

  // `head` `arguments` `tail`: "int F(", {"int a", "int b"}, ") const;". On one line if it fits,
  // else the arguments are packed into lines behind the opening bracket, else below it.
  void List(absl::string_view head, const std::vector<std::string>& arguments,
            absl::string_view tail);

  // `type` `name`(`parameters` `tail`. A type that leaves no room for the name gets its own line.
  void Function(absl::string_view type, absl::string_view name,
                const std::vector<std::string>& parameters, absl::string_view tail);

  std::string Take() { return std::move(text_); }

 private:
  bool PackList(absl::string_view first, int column, const std::vector<std::string>& arguments,
                absl::string_view tail, bool must_fit);

  std::string text_;
  int indent_ = 0;
};

}  // namespace weft::rpc::codegen

#endif  // WEFT_PLATFORM_RPC_CODEGEN_CODE_WRITER_H_
