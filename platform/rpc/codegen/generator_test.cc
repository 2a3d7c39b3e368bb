#include "platform/rpc/codegen/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "google/protobuf/compiler/importer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace weft::rpc::codegen {
namespace {

using ::google::protobuf::FileDescriptor;
using ::google::protobuf::compiler::DiskSourceTree;
using ::google::protobuf::compiler::Importer;
using ::google::protobuf::compiler::MultiFileErrorCollector;
using ::google::protobuf::compiler::SourceTree;
using ::google::protobuf::io::ArrayInputStream;
using ::google::protobuf::io::StringOutputStream;
using ::google::protobuf::io::ZeroCopyInputStream;
using ::google::protobuf::io::ZeroCopyOutputStream;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class FailingErrorCollector final : public MultiFileErrorCollector {
  void AddError(const std::string& file, int line, int /*column*/,
                const std::string& message) override {
    ADD_FAILURE() << file << ":" << line + 1 << ": " << message;
  }
};

class MemoryTree final : public SourceTree {
 public:
  void Add(std::string name, std::string text) { files_[std::move(name)] = std::move(text); }

  ZeroCopyInputStream* Open(const std::string& name) override {
    const auto file = files_.find(name);
    if (file == files_.end()) return nullptr;
    return new ArrayInputStream(file->second.data(), static_cast<int>(file->second.size()));
  }

 private:
  std::map<std::string, std::string> files_;
};

class MemoryContext final : public google::protobuf::compiler::GeneratorContext {
 public:
  ZeroCopyOutputStream* Open(const std::string& name) override {
    return new StringOutputStream(&files[name]);
  }

  std::map<std::string, std::string> files;
};

struct Output {
  bool ok = false;
  std::string error;
  std::map<std::string, std::string> files;
};

Output Generate(const FileDescriptor* file, const std::string& parameter = "") {
  Output output;
  if (file == nullptr) return output;
  MemoryContext context;
  output.ok = Generator().Generate(file, parameter, &context, &output.error);
  output.files = std::move(context.files);
  return output;
}

// The output for a file "a.proto" of this text.
Output GenerateText(const std::string& text, const std::string& parameter = "") {
  MemoryTree tree;
  tree.Add("a.proto", "syntax = \"proto3\";\n" + text);
  FailingErrorCollector errors;
  Importer importer(&tree, &errors);
  return Generate(importer.Import("a.proto"), parameter);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

constexpr char kMessages[] = "message Ping {} message Pong {}\n";

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, OutputIsAsRecorded) {
  const std::string folder = "platform/rpc/codegen/testdata/";
  DiskSourceTree tree;
  tree.MapPath("", ".");
  tree.MapPath("", "/usr/include");
  FailingErrorCollector errors;
  Importer importer(&tree, &errors);
  const Output output = Generate(importer.Import(folder + GetParam() + ".proto"));
  ASSERT_TRUE(output.ok) << output.error;
  ASSERT_EQ(output.files.size(), 2u);
  for (const std::string end : {".weft.h", ".weft.cc"}) {
    const auto file = output.files.find(folder + GetParam() + end);
    ASSERT_NE(file, output.files.end());
    // To record a wanted change see README.md, "Tests".
    EXPECT_EQ(file->second, ReadFile(folder + "golden/" + GetParam() + end + ".golden"));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Golden,
                         ::testing::Values("warehouse", "shared", "no_package", "options"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Generator, AnyParameterIsRefused) {
  const Output output = GenerateText(kMessages, "lite");
  EXPECT_FALSE(output.ok);
  EXPECT_THAT(output.error, AllOf(HasSubstr("a.proto"), HasSubstr("unknown option \"lite\"")));
}

TEST(Generator, FileWithoutServiceMakesBothFilesWithoutCode) {
  const Output output = GenerateText(kMessages);
  ASSERT_TRUE(output.ok) << output.error;
  ASSERT_EQ(output.files.count("a.weft.h"), 1u);
  ASSERT_EQ(output.files.count("a.weft.cc"), 1u);
  EXPECT_THAT(output.files.at("a.weft.h"), Not(HasSubstr("platform/")));
}

TEST(Generator, PackageThatNoNamespaceCanHaveIsRefused) {
  const Output output =
      GenerateText("package shop.class.v1; message P {} service S { rpc M(P) returns (P); }");
  EXPECT_FALSE(output.ok);
  EXPECT_THAT(output.error, AllOf(HasSubstr("shop.class.v1"), HasSubstr("\"class\"")));
}

TEST(Generator, MessageWithTheNameOfAGeneratedClassIsRefused) {
  for (const std::string name : {"SHandler", "SClient", "SMethods"}) {
    const Output output = GenerateText("package p; message " + name + " {} service S { rpc M(" +
                                       name + ") returns (" + name + "); }");
    EXPECT_FALSE(output.ok) << name;
    EXPECT_THAT(output.error, AllOf(HasSubstr("\"p.S\""), HasSubstr("\"p." + name + "\"")));
  }
}

TEST(Generator, ServiceCalledLikeTheHandlerOfAnotherIsFine) {
  const Output output = GenerateText(
      std::string(kMessages) + "service S { rpc M(Ping) returns (Pong); } service SHandler {}");
  ASSERT_TRUE(output.ok) << output.error;
  EXPECT_THAT(output.files.at("a.weft.h"), HasSubstr("class SHandlerHandler "));
}

TEST(Generator, MethodsThatBecomeOneFunctionAreRefused) {
  const Output output =
      GenerateText(std::string(kMessages) +
                   "service S { rpc new(Ping) returns (Pong); rpc new_(Ping) returns (Pong); }");
  EXPECT_FALSE(output.ok);
  EXPECT_THAT(output.error, AllOf(HasSubstr("new and new_"), HasSubstr("rename one")));
}

TEST(Generator, MethodsCalledLikeTheirClassesGetAnUnderscore) {
  const Output output = GenerateText(
      std::string(kMessages) +
      "service S { rpc SHandler(Ping) returns (Pong); rpc SClient(Ping) returns (Pong); "
      "rpc SMethods(Ping) returns (Pong); }");
  ASSERT_TRUE(output.ok) << output.error;
  for (const std::string function : {" SHandler_(", " SClient_(", " SMethods_("}) {
    EXPECT_THAT(output.files.at("a.weft.h"), HasSubstr(function));
  }
}

// The wire name must never follow the C++ name.
TEST(Generator, RenamedMethodKeepsItsPath) {
  const Output output =
      GenerateText(std::string(kMessages) + "service S { rpc delete(Ping) returns (Pong); }");
  ASSERT_TRUE(output.ok) << output.error;
  EXPECT_THAT(output.files.at("a.weft.h"), HasSubstr("\"/S/delete\""));
}

TEST(Generator, MessageHiddenByAMethodIsWrittenFromTheRoot) {
  const Output output =
      GenerateText("package p; message Echo {} service S { rpc Echo(.p.Echo) returns (.p.Echo); }");
  ASSERT_TRUE(output.ok) << output.error;
  EXPECT_THAT(output.files.at("a.weft.h"), HasSubstr("StatusOr<::p::Echo> Echo("));
}

TEST(Generator, BackslashAtTheEndOfACommentDoesNotSwallowTheNextLine) {
  const Output output = GenerateText(std::string(kMessages) +
                                     "// A comment \\ \\\nservice S {\n  // C:\\\n"
                                     "  rpc M(Ping) returns (Pong);\n}");
  ASSERT_TRUE(output.ok) << output.error;
  EXPECT_THAT(output.files.at("a.weft.h"),
              AllOf(HasSubstr("// A comment\n"), HasSubstr("// C:\n"), Not(HasSubstr("\\\n"))));
}

// The error for a unary method M with these options.
std::string OptionsError(const std::string& options, const std::string& reply = "Pong") {
  MemoryTree memory;
  memory.Add("a.proto", "syntax = \"proto3\"; import \"proto/weft/options.proto\";" +
                            std::string(kMessages) + "service S { rpc M(Ping) returns (" + reply +
                            ") {" + options + "} }");
  memory.Add("proto/weft/options.proto", ReadFile("proto/weft/options.proto"));
  for (const std::string name : {"descriptor", "duration"}) {
    const std::string path = "google/protobuf/" + name + ".proto";
    memory.Add(path, ReadFile("/usr/include/" + path));
  }
  FailingErrorCollector errors;
  Importer importer(&memory, &errors);
  return Generate(importer.Import("a.proto")).error;
}

TEST(Generator, OptionsThatContradictEachOtherAreRefused) {
  EXPECT_THAT(OptionsError("option (weft.method).retry = HEDGE;"),
              AllOf(HasSubstr("a.proto: S.M"), HasSubstr("idempotency_level")));
  EXPECT_THAT(OptionsError("option idempotency_level = IDEMPOTENT;"
                           "option (weft.method).retry = HEDGE;",
                           "stream Pong"),
              HasSubstr("streams are not hedged"));
  EXPECT_EQ(OptionsError("option idempotency_level = IDEMPOTENT;"
                         "option (weft.method).retry = HEDGE;"),
            "");
}

TEST(Generator, TimeoutsThatNobodyMeansAreRefused) {
  for (const std::string timeout : {"{}", "{ seconds: -1 }", "{ seconds: 1 nanos: -5 }",
                                    "{ nanos: 1000000000 }", "{ seconds: 40000000 }"}) {
    EXPECT_THAT(OptionsError("option (weft.method).default_timeout = " + timeout + ";"),
                HasSubstr("default_timeout must be"))
        << timeout;
  }
  EXPECT_EQ(OptionsError("option (weft.method).default_timeout = { nanos: 1 };"), "");
}

TEST(Generator, ScopesThatNoTokenCanHaveAreRefused) {
  for (const std::string scope :
       {"", "orders write", "tab\\t", "quote\\\"", "back\\\\slash", "é"}) {
    EXPECT_THAT(OptionsError("option (weft.method).required_scopes = \"" + scope + "\";"),
                AllOf(HasSubstr("a.proto: S.M"), HasSubstr("a scope is printable ASCII")))
        << scope;
  }
  EXPECT_THAT(OptionsError("option (weft.method) = { required_scopes: [ \"a\", \"b\", \"a\" ] };"),
              AllOf(HasSubstr("S.M"), HasSubstr("\"a\" twice")));
  EXPECT_EQ(OptionsError("option (weft.method).required_scopes = \"https://x.test/orders:!#~\";"),
            "");
}

TEST(Generator, PublicMethodsRequireNoScopes) {
  EXPECT_THAT(OptionsError("option (weft.method) = { public: true required_scopes: \"a\" };"),
              HasSubstr("public contradicts required_scopes"));
  EXPECT_EQ(OptionsError("option (weft.method).public = true;"), "");
}

TEST(Generator, GuardsOfSimilarFileNamesDiffer) {
  MemoryTree tree;
  const std::string text = "syntax = \"proto3\";";
  tree.Add("a_b.proto", text);
  tree.Add("a/b.proto", text);
  FailingErrorCollector errors;
  Importer importer(&tree, &errors);
  const auto second_line = [&](const std::string& stem) {
    const std::string header =
        Generate(importer.Import(stem + ".proto")).files.at(stem + ".weft.h");
    const size_t start = header.find('\n') + 1;
    return header.substr(start, header.find('\n', start) - start);
  };
  EXPECT_NE(second_line("a_b"), second_line("a/b"));
}

TEST(Generator, Proto3OptionalIsSupported) {
  EXPECT_TRUE(Generator().GetSupportedFeatures() & Generator::FEATURE_PROTO3_OPTIONAL);
}

}  // namespace
}  // namespace weft::rpc::codegen
