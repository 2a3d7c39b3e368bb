#include "platform/observability/tracing/trace_ids.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::observability {
namespace {

constexpr char kHeader[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string Format(const TraceIds& ids) {
  const Traceparent header = FormatTraceparent(ids);
  return {header.data(), header.size()};
}

TEST(Traceparent, IsReadAndWrittenBack) {
  const std::optional<TraceIds> ids = ParseTraceparent(kHeader);
  ASSERT_TRUE(ids.has_value());
  EXPECT_EQ(ids->trace_id[0], 0x4b);
  EXPECT_EQ(ids->trace_id[15], 0x36);
  EXPECT_EQ(ids->span_id[7], 0xb7);
  EXPECT_TRUE(ids->sampled());
  EXPECT_EQ(Format(*ids), kHeader);
}

TEST(Traceparent, AnUnsampledOneKeepsItsFlag) {
  const std::string header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
  const std::optional<TraceIds> ids = ParseTraceparent(header);
  ASSERT_TRUE(ids.has_value());
  EXPECT_FALSE(ids->sampled());
  EXPECT_EQ(Format(*ids), header);
}

TEST(Traceparent, WhatTheStandardForbidsIsRefused) {
  const std::string good = kHeader;
  EXPECT_FALSE(ParseTraceparent(""));
  EXPECT_FALSE(ParseTraceparent(good.substr(0, 54)));
  EXPECT_FALSE(ParseTraceparent(good + "-")) << "version 00 has no more fields";
  EXPECT_FALSE(ParseTraceparent("ff" + good.substr(2))) << "version ff is invalid";
  EXPECT_FALSE(ParseTraceparent("0g" + good.substr(2)));
  EXPECT_FALSE(ParseTraceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
  EXPECT_FALSE(ParseTraceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"));
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e473600f067aa0ba902b7--01"));
  EXPECT_FALSE(ParseTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"));
}

TEST(Traceparent, LaterVersionsAreReadAsFarAsThisOneGoes) {
  const std::string later = "01" + std::string(kHeader).substr(2);
  EXPECT_TRUE(ParseTraceparent(later));
  EXPECT_TRUE(ParseTraceparent(later + "-what-comes"));
  EXPECT_FALSE(ParseTraceparent(later + "what-comes"));
}

}  // namespace
}  // namespace weft::observability
