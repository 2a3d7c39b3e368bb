#include "platform/data/query_text.h"

#include <gtest/gtest.h>

#include <string>

namespace weft::data {
namespace {

TEST(QueryText, LeavesWhatHasNoValues) {
  EXPECT_EQ(QueryText("SELECT name FROM products WHERE sku = ?1 AND category = :category"),
            "SELECT name FROM products WHERE sku = ?1 AND category = :category");
  EXPECT_EQ(QueryText("SELECT $1, @x, t2.c3, \"a 'b'\", `d`"),
            "SELECT $1, @x, t2.c3, \"a 'b'\", `d`");
  EXPECT_EQ(QueryText(""), "");
}

TEST(QueryText, LiteralsAreReplaced) {
  EXPECT_EQ(QueryText("WHERE name = 'O''Brien' AND age > 42"), "WHERE name = ? AND age > ?");
  EXPECT_EQ(QueryText("VALUES (1.5e-3, .5, 0xFF, X'53', E'a''b', -7)"),
            "VALUES (?, ?, ?, ?, ?, -?)");
  EXPECT_EQ(QueryText("SELECT E'it\\'s', name"), "SELECT ?, name");
  EXPECT_EQ(QueryText("SELECT $$it's$$, $tag$ $$ $tag$"), "SELECT ?, ?");
}

TEST(QueryText, CommentsAndBlanksGo) {
  EXPECT_EQ(QueryText("  SELECT -- of Mr. Smith's\n\t1 /* 'x' */ FROM  t\n"), "SELECT ? FROM t");
}

TEST(QueryText, WhatIsNotClosedIsNotTold) {
  EXPECT_EQ(QueryText("SELECT 'secret"), "SELECT ?");
  EXPECT_EQ(QueryText("SELECT $x$secret"), "SELECT ?");
  EXPECT_EQ(QueryText("SELECT 1 /* secret"), "SELECT ?");
  EXPECT_EQ(QueryText("SELECT E'"), "SELECT ?");
  EXPECT_EQ(QueryText("SELECT E'\\"), "SELECT ?");
}

}  // namespace
}  // namespace weft::data
