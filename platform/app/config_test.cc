#include "platform/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weft::app {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<ConfigKey> Keys() {
  return {
      {.name = "grpc.listen", .value = "0.0.0.0:50051", .help = "where calls are accepted"},
      {.name = "shards", .value = 0, .help = "threads", .max = 64},
      {.name = "log.level", .value = "info", .help = "level", .choices = {"info", "warning"}},
      {.name = "pricing.think_time", .value = absl::Milliseconds(5), .help = "time to think"},
      {.name = "pricing.cache.ratio", .value = 0.5, .help = "share", .min = 0.0, .max = 1.0},
      {.name = "pricing.strict", .value = false, .help = "refuse unknown products"},
  };
}

// Writes configuration files into a folder of the test's own.
class ConfigTest : public testing::Test {
 protected:
  ConfigTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                absl::StrCat("config_",
                             testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& text) {
    const std::string file = folder_ / "pricing.json";
    std::ofstream(file) << text;
    return file;
  }

  absl::StatusOr<Config> Load(const std::vector<std::string>& arguments) {
    absl::StatusOr<CommandLine> command_line = ParseCommandLine(arguments);
    if (!command_line.ok()) return command_line.status();
    return LoadConfig(Keys(), *command_line);
  }
  absl::StatusOr<Config> LoadFile(const std::string& text) {
    return Load({absl::StrCat("--config=", File(text))});
  }
  // The error of a configuration that must not load, without the folder's name.
  std::string Error(const std::vector<std::string>& arguments) {
    const absl::StatusOr<Config> config = Load(arguments);
    if (config.ok()) return "loaded";
    std::string message(config.status().message());
    const std::string folder = folder_.string() + "/";
    if (const size_t at = message.find(folder); at != std::string::npos) {
      message.erase(at, folder.size());
    }
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    return message;
  }
  std::string FileError(const std::string& text) {
    return Error({absl::StrCat("--config=", File(text))});
  }

  const std::filesystem::path folder_;
};

TEST_F(ConfigTest, DefaultsHoldWithoutFileAndFlags) {
  const absl::StatusOr<Config> config = Load({});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->String("grpc.listen"), "0.0.0.0:50051");
  EXPECT_EQ(config->Int("shards"), 0);
  EXPECT_EQ(config->Duration("pricing.think_time"), absl::Milliseconds(5));
  EXPECT_EQ(config->Double("pricing.cache.ratio"), 0.5);
  EXPECT_FALSE(config->Bool("pricing.strict"));
}

TEST_F(ConfigTest, FileOverridesDefaultsAndFlagsOverrideTheFile) {
  const std::string file = File(R"({
    "grpc": {"listen": "127.0.0.1:1"},
    "shards": 3,
    "pricing": {"think_time": "1.5s", "cache": {"ratio": 1}, "strict": true}
  })");
  const absl::StatusOr<Config> config =
      Load({"--shards=4", absl::StrCat("--config=", file), "--pricing.strict=false"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->String("grpc.listen"), "127.0.0.1:1");
  EXPECT_EQ(config->Int("shards"), 4);
  EXPECT_EQ(config->Int<uint64_t>("shards"), 4u);
  EXPECT_EQ(config->Duration("pricing.think_time"), absl::Milliseconds(1500));
  EXPECT_EQ(config->Double("pricing.cache.ratio"), 1.0);
  EXPECT_FALSE(config->Bool("pricing.strict"));
}

TEST_F(ConfigTest, FlagsOfEveryTypeAreReadAndTheLastOneWins) {
  const absl::StatusOr<Config> config =
      Load({"--grpc.listen=a=b", "--shards=1", "--shards=2", "--pricing.think_time=1h2m",
            "--pricing.cache.ratio=1e-3", "--pricing.strict=true"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->String("grpc.listen"), "a=b");
  EXPECT_EQ(config->Int("shards"), 2);
  EXPECT_EQ(config->Duration("pricing.think_time"), absl::Minutes(62));
  EXPECT_EQ(config->Double("pricing.cache.ratio"), 0.001);
  EXPECT_TRUE(config->Bool("pricing.strict"));
}

TEST_F(ConfigTest, EmptyObjectIsAConfiguration) {
  EXPECT_TRUE(LoadFile("{}").ok());
  EXPECT_TRUE(LoadFile(R"({"pricing": {}})").ok());
}

TEST_F(ConfigTest, EntriesListEveryKeyWithItsOrigin) {
  const std::string file = File(R"({"pricing": {"think_time": "7ms"}})");
  const absl::StatusOr<Config> config = Load({"--config=" + file, "--shards=2"});
  ASSERT_TRUE(config.ok()) << config.status();
  using Entry = ConfigEntry;
  EXPECT_THAT(
      config->Entries(),
      testing::ElementsAre(Entry{"grpc.listen", "0.0.0.0:50051", "0.0.0.0:50051", "default"},
                           Entry{"log.level", "info", "info", "default"},
                           Entry{"pricing.cache.ratio", "0.5", "0.5", "default"},
                           Entry{"pricing.strict", "false", "false", "default"},
                           Entry{"pricing.think_time", "7ms", "5ms", file},
                           Entry{"shards", "2", "0", "flag"}));
}

TEST(Config, SecretsAreNeverShown) {
  const std::vector<ConfigKey> keys = {{.name = "pin", .value = 1234, .secret = true},
                                       {.name = "store.password", .value = "", .secret = true},
                                       {.name = "store.url", .value = ""},
                                       {.name = "unset.password", .value = "", .secret = true}};
  const absl::StatusOr<Config> config = LoadConfig(
      keys,
      {.flags = {{"store.password", "sesame"}, {"store.url", "http://me:sesame@store:1/path@2"}}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->String("store.password"), "sesame");
  using Entry = ConfigEntry;
  EXPECT_THAT(config->Entries(),
              testing::ElementsAre(Entry{"pin", "(secret)", "(secret)", "default"},
                                   Entry{"store.password", "(secret)", "", "flag"},
                                   Entry{"store.url", "http://***@store:1/path@2", "", "flag"},
                                   Entry{"unset.password", "", "", "default"}));
  const absl::Status wrong = LoadConfig(keys, {.flags = {{"pin", "sesame"}}}).status();
  EXPECT_THAT(std::string(wrong.message()), testing::HasSubstr("not what was given"));
  EXPECT_THAT(std::string(wrong.message()), testing::Not(testing::HasSubstr("sesame")));
}

// Bad files.

TEST_F(ConfigTest, MissingFileIsNamedWithWhatToDo) {
  const absl::StatusOr<Config> config = Load({"--config=/nowhere/pricing.json"});
  EXPECT_EQ(config.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(config.status().message()),
              AllOf(HasSubstr("/nowhere/pricing.json"), HasSubstr("No such file"),
                    HasSubstr("--config=FILE")));
}

TEST_F(ConfigTest, FolderInPlaceOfTheFileIsNamed) {
  EXPECT_THAT(Error({absl::StrCat("--config=", folder_.string())}), HasSubstr("Is a directory"));
}

TEST_F(ConfigTest, MalformedJsonIsReportedWithLineAndColumn) {
  EXPECT_THAT(
      FileError("{\n  \"shards\": 1,\n  \"log\": }\n"),
      AllOf(StartsWith("pricing.json:3:10: malformed JSON: "), HasSubstr("unexpected '}'")));
  EXPECT_THAT(FileError(""), StartsWith("pricing.json:1:1: malformed JSON: "));
  EXPECT_THAT(FileError("{\"shards\": 1} x"), StartsWith("pricing.json:1:15: malformed JSON: "));
  EXPECT_THAT(FileError("{\"grpc\": {\"listen\": \"\xff\"}}"),
              StartsWith("pricing.json:1:22: malformed JSON: "));
  EXPECT_THAT(FileError("{\"shards\": 1e999}"),
              AllOf(StartsWith("pricing.json: malformed JSON: "), HasSubstr("1e999")));
}

TEST_F(ConfigTest, DeeplyNestedFileIsRefusedWithoutHarm) {
  EXPECT_THAT(FileError(std::string(100'000, '[')), HasSubstr("malformed JSON"));
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "{\"pricing\":";
  EXPECT_THAT(FileError(deep + "1" + std::string(10'000, '}')),
              HasSubstr("unknown key \"pricing.pricing\""));
}

TEST_F(ConfigTest, TopLevelMustBeAnObject) {
  EXPECT_EQ(FileError("[]"), "pricing.json: a configuration is a JSON object, {…}, not an array");
  EXPECT_EQ(FileError("3"), "pricing.json: a configuration is a JSON object, {…}, not a number");
}

TEST_F(ConfigTest, OversizedFileIsRefused) {
  EXPECT_THAT(FileError(std::string(kMaxConfigFileBytes + 1, ' ')),
              HasSubstr("larger than 1048576 bytes"));
}

TEST_F(ConfigTest, UnknownKeyIsNamedWithASuggestion) {
  EXPECT_EQ(FileError(R"({"pricing": {"think_tim": "5ms"}})"),
            "pricing.json: unknown key \"pricing.think_tim\"; did you mean "
            "\"pricing.think_time\"? (--help lists all keys)");
  EXPECT_EQ(FileError(R"({"storefront": {"deadline": "1s"}})"),
            "pricing.json: unknown key \"storefront\" (--help lists all keys)");
}

TEST_F(ConfigTest, RepeatedKeyIsNamed) {
  EXPECT_EQ(FileError(R"({"shards": 1, "log": {}, "shards": 2})"),
            "pricing.json: the key \"shards\" stands twice in one object; keep one");
  // The same name in different objects is none.
  EXPECT_THAT(FileError(R"({"pricing": {"cache": {"ratio": 1}}, "log": {"ratio": 1}})"),
              HasSubstr("unknown key \"log.ratio\""));
}

TEST_F(ConfigTest, DottedKeyInAFileIsExplained) {
  EXPECT_THAT(FileError(R"({"grpc.listen": "x"})"), HasSubstr("\"grpc.listen\" has a dot in it"));
}

TEST_F(ConfigTest, WrongTypesInAFileAreNamed) {
  EXPECT_EQ(FileError(R"({"pricing": {"think_time": 5}})"),
            "pricing.json: \"pricing.think_time\" must be a duration such as \"5ms\" or \"1.5s\" "
            "(quoted, with a unit), not the number 5");
  EXPECT_EQ(FileError(R"({"pricing": {"think_time": "5"}})"),
            "pricing.json: \"pricing.think_time\" must be a duration such as \"5ms\" or \"1.5s\", "
            "not \"5\"");
  EXPECT_EQ(FileError(R"({"shards": "2"})"),
            "pricing.json: \"shards\" must be a whole number from 0 to 64, not the string \"2\"");
  EXPECT_EQ(FileError(R"({"shards": 1.5})"),
            "pricing.json: \"shards\" must be a whole number from 0 to 64, not the number 1.5");
  EXPECT_EQ(FileError(R"({"pricing": {"strict": "true"}})"),
            "pricing.json: \"pricing.strict\" must be true or false, not the string \"true\"");
  EXPECT_EQ(FileError(R"({"grpc": {"listen": null}})"),
            "pricing.json: \"grpc.listen\" must be a string, not null");
  EXPECT_EQ(FileError(R"({"grpc": "0.0.0.0:1"})"),
            "pricing.json: \"grpc\" must be an object, such as {\"listen\": …}, not "
            "the string \"0.0.0.0:1\"");
  EXPECT_THAT(FileError(R"({"shards": [1, {}]})"), EndsWith("not an array"));
  EXPECT_THAT(FileError(R"({"shards": {"a": 1}})"), EndsWith("not an object"));
}

TEST_F(ConfigTest, ErrorsAreOneShortLineWhateverIsInTheFile) {
  EXPECT_THAT(FileError("{\"a\\nb\": 1}"), HasSubstr("unknown key \"a\\nb\""));
  EXPECT_THAT(FileError("{\"shards\": \"\\u001b[2J\"}"), EndsWith("\"\\x1b[2J\""));
  EXPECT_LT(FileError("{\"" + std::string(100'000, 'x') + "\": 1}").size(), 300u);
  EXPECT_LT(FileError("{\"shards\": \"" + std::string(100'000, 'x') + "\"}").size(), 300u);
  EXPECT_LT(FileError("{\"shards\": " + std::string(100'000, '1') + "e1}x").size(), 700u);
  EXPECT_THAT(Error({"--a\nb=1"}), HasSubstr("unknown flag --a\\nb "));
  EXPECT_THAT(Error({"--shards=a\nb"}), EndsWith("not \"a\\nb\""));
}

// To write such a value into an error would take a stack as deep.
TEST_F(ConfigTest, DeepJsonIsRefused) {
  const std::string deep = std::string(250'000, '[') + std::string(250'000, ']');
  EXPECT_THAT(FileError("{\"shards\": " + deep + "}"), EndsWith("not an array"));
  EXPECT_THAT(FileError("{\"grpc\": " + deep + "}"), EndsWith("not an array"));
}

TEST_F(ConfigTest, ValuesOutsideTheLimitsAreNamed) {
  EXPECT_THAT(FileError(R"({"shards": 65})"), EndsWith("from 0 to 64, not \"65\""));
  EXPECT_THAT(FileError(R"({"shards": -1})"), EndsWith("from 0 to 64, not \"-1\""));
  EXPECT_THAT(FileError(R"({"shards": 18446744073709551615})"),
              EndsWith("from 0 to 64, not the number 18446744073709551615"));
  EXPECT_THAT(FileError(R"({"pricing": {"cache": {"ratio": 1.1}}})"),
              EndsWith("must be a number from 0 to 1, not \"1.1\""));
  EXPECT_THAT(FileError(R"({"pricing": {"think_time": "-1s"}})"), HasSubstr("not \"-1s\""));
  EXPECT_THAT(FileError(R"({"pricing": {"think_time": "inf"}})"), HasSubstr("not \"inf\""));
  EXPECT_THAT(FileError(R"({"log": {"level": "loud"}})"),
              EndsWith("must be one of info, warning, not \"loud\""));
}

// Bad flags.

TEST_F(ConfigTest, UnknownFlagIsNamedWithASuggestion) {
  EXPECT_EQ(Error({"--shard=2"}),
            "unknown flag --shard; did you mean \"--shards\"? (--help lists all flags)");
  EXPECT_EQ(Error({"--listen=x"}),
            "unknown flag --listen; did you mean \"--grpc.listen\"? (--help lists all flags)");
  EXPECT_EQ(Error({"--completely_different=2"}),
            "unknown flag --completely_different (--help lists all flags)");
}

TEST_F(ConfigTest, FlagWithAWrongValueIsNamed) {
  EXPECT_EQ(Error({"--shards=many"}),
            "flag --shards must be a whole number from 0 to 64, not \"many\"");
  EXPECT_EQ(Error({"--shards="}), "flag --shards must be a whole number from 0 to 64, not \"\"");
  EXPECT_EQ(Error({"--pricing.strict=yes"}),
            "flag --pricing.strict must be true or false, not \"yes\"");
  EXPECT_EQ(Error({"--pricing.cache.ratio=nan"}),
            "flag --pricing.cache.ratio must be a number from 0 to 1, not \"nan\"");
  EXPECT_EQ(Error({"--log.level=loud"}),
            "flag --log.level must be one of info, warning, not \"loud\"");
}

TEST_F(ConfigTest, ArgumentsOfAnotherFormAreNamed) {
  EXPECT_THAT(Error({"--shards", "2"}), HasSubstr("write --shards=VALUE"));
  EXPECT_THAT(Error({"--config"}), HasSubstr("write --config=VALUE"));
  EXPECT_THAT(Error({"--config="}), HasSubstr("write --config=FILE"));
  EXPECT_THAT(Error({"pricing.json"}), HasSubstr("unexpected argument \"pricing.json\""));
  EXPECT_THAT(Error({"-shards=2"}), HasSubstr("unexpected argument \"-shards=2\""));
  EXPECT_THAT(Error({"--"}), HasSubstr("unexpected argument \"--\""));
}

TEST(CommandLine, HelpAndVersionAreSeenBesideOtherFlags) {
  const absl::StatusOr<CommandLine> command_line = ParseCommandLine({"--no.such=1", "--help"});
  ASSERT_TRUE(command_line.ok());
  EXPECT_TRUE(command_line->help);
  EXPECT_FALSE(command_line->version);
  EXPECT_TRUE(ParseCommandLine({"-h"})->help);
  EXPECT_TRUE(ParseCommandLine({"--version"})->version);
}

TEST(HelpText, ListsEveryKeyWithDefaultAndHelp) {
  const std::string help = HelpText("pricing", "1.2.3", Keys());
  EXPECT_THAT(help, StartsWith("pricing 1.2.3\n"));
  EXPECT_THAT(help, HasSubstr("  --grpc.listen=0.0.0.0:50051\n      where calls are accepted"));
  EXPECT_THAT(help, HasSubstr("  --shards=0\n      threads; a whole number from 0 to 64\n"));
  EXPECT_THAT(help, HasSubstr("  --pricing.think_time=5ms\n      time to think; a duration"));
  for (const ConfigKey& key : Keys()) EXPECT_THAT(help, HasSubstr(key.name));
}

// Mistakes of the program.

TEST(ConfigDeathTest, MistakesInDeclarationsCrash) {
  EXPECT_DEATH(Config({{.name = "Bad", .value = 1}}), "lower-case");
  EXPECT_DEATH(Config({{.name = "a", .value = 5, .help = "", .max = 4}}), "its default must be");
  EXPECT_DEATH(Config({{.name = "a", .value = 5, .help = "", .max = 4.0}}),
               "of the default's type");
  EXPECT_DEATH(Config({{.name = "a", .value = 1}, {.name = "a", .value = 1}}),
               "\"a\" is declared twice");
  EXPECT_DEATH(Config({{.name = "a", .value = 1}, {.name = "a.b", .value = 1}}),
               "both a configuration key and the group");
}

TEST(ConfigDeathTest, ReadingWhatWasNotDeclaredCrashes) {
  const Config config(Keys());
  EXPECT_DEATH(config.String("grpc.port"), "\"grpc.port\" is read but not declared");
  EXPECT_DEATH(config.Bool("shards"), "\"shards\" is read as another type");
}

TEST(ConfigDeathTest, IntegerThatDoesNotFitItsTypeCrashes) {
  const Config config({{.name = "a", .value = 300}});
  EXPECT_EQ(config.Int<int16_t>("a"), 300);
  EXPECT_DEATH(config.Int<int8_t>("a"), "\"a\" is 300");
}

}  // namespace
}  // namespace weft::app
