#include "platform/observability/logging/message_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "platform/observability/logging/message_text_test.pb.h"

namespace weft::observability {
namespace {

using message_text_test::v1::Card;
using message_text_test::v1::GIFT;
using message_text_test::v1::Order;
using message_text_test::v1::Secrets;
using ::testing::HasSubstr;
using ::testing::Not;

// Builds with ThreadSanitizer take protobuf from a shared library that is built without it, and in
// which fields of maps are 8 bytes shorter (google/protobuf/map_field.h): reflection on messages
// with maps reads beside them.
#ifndef __SANITIZE_THREAD__
TEST(MessageText, FieldsStandOnOneLine) {
  Order order;
  order.set_sku("tea \"green\"\n");
  order.mutable_card()->set_holder("Zoë");
  EXPECT_EQ(MessageText(order), R"(sku: "tea \"green\"\n" card { holder: "Zoë" })");
  EXPECT_EQ(MessageText(Order()), "");
}

TEST(MessageText, SecretsOfEveryTypeAreHidden) {
  Secrets secrets;
  secrets.set_text("hush1");
  secrets.set_raw("hush2");
  secrets.set_number(31337);
  secrets.set_amount(31337.5);
  secrets.set_yes(true);
  secrets.set_kind(GIFT);
  secrets.mutable_card()->set_holder("hush3");
  secrets.add_codes(31337);
  secrets.add_codes(31338);
  (*secrets.mutable_answers())["hush4"] = "hush5";
  secrets.add_cards()->set_holder("hush6");
  const std::string text = MessageText(secrets);
  for (const char* secret : {"hush", "3133", "true", "GIFT"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
  for (const char* field : {"text", "raw", "number", "amount", "yes", "kind", "card", "answers"}) {
    EXPECT_THAT(text, HasSubstr(std::string(field) + ": [secret]"));
  }
  EXPECT_THAT(text, HasSubstr("codes: [secret] codes: [secret]"));
}

TEST(MessageText, SecretsAreHiddenAtAnyDepth) {
  Order order;
  order.mutable_card()->set_number("hush");
  order.mutable_card()->set_holder("holder 1");
  order.add_others()->set_number("hush");
  (*order.mutable_by_name())["name"].set_number("hush");
  order.mutable_inner()->mutable_inner()->mutable_card()->set_number("hush");
  const std::string text = MessageText(order);
  EXPECT_THAT(text, Not(HasSubstr("hush")));
  EXPECT_THAT(text, HasSubstr("holder 1"));
  EXPECT_THAT(text, HasSubstr("inner { inner { card { number: [secret] } } }"));
}

TEST(MessageText, WhatIsNotKnownIsNotShown) {
  Card card;
  card.set_number("hush");
  Order order;
  order.mutable_extra()->PackFrom(card);
  EXPECT_THAT(MessageText(order), HasSubstr("weft.message_text_test.v1.Card"));
  EXPECT_THAT(MessageText(order), Not(HasSubstr("hush")));
  // An older binary that reads a newer message: Card has no field 7 nor 8.
  Secrets newer;
  newer.mutable_card()->set_number("hush");
  newer.add_codes(31337);
  ASSERT_TRUE(card.ParseFromString(newer.SerializeAsString()));
  EXPECT_EQ(MessageText(card), "");
}

TEST(MessageText, LongOnesAreCutBetweenCharacters) {
  Order order;
  order.set_sku("ééééé");
  EXPECT_EQ(MessageText(order, 9), "sku: \"é…");
  EXPECT_EQ(MessageText(order, 8), "sku: \"é…");
  order.set_sku(std::string(1'000'000, 'x'));
  EXPECT_LE(MessageText(order).size(), kMaxMessageText + 3);
}
#endif

}  // namespace
}  // namespace weft::observability
