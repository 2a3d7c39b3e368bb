#include "platform/observability/tracing/address.h"

#include <gtest/gtest.h>

namespace weft::observability {
namespace {

void ExpectParsed(const char* text, const char* host, int port) {
  const Address address = ParseAddress(text);
  EXPECT_EQ(address.host, host) << text;
  EXPECT_EQ(address.port, port) << text;
}

TEST(Address, PeersAreSplit) {
  ExpectParsed("ipv4:10.1.2.3:41234", "10.1.2.3", 41234);
  ExpectParsed("ipv6:%5B::1%5D:41234", "::1", 41234);
  ExpectParsed("ipv6:[fe80::1]:80", "fe80::1", 80);
  ExpectParsed("unix:/run/x.sock", "/run/x.sock", 0);
}

TEST(Address, TargetsAreSplit) {
  ExpectParsed("dns:///catalog:50051", "catalog", 50051);
  ExpectParsed("dns://8.8.8.8/catalog.shop.svc:50051", "catalog.shop.svc", 50051);
  ExpectParsed("dns:catalog:50051", "catalog", 50051);
  ExpectParsed("catalog:50051", "catalog", 50051);
  ExpectParsed("catalog", "catalog", 0);
  ExpectParsed("[::1]:50051", "::1", 50051);
  ExpectParsed("::1", "::1", 0);
  ExpectParsed("ipv4:10.1.2.3:443,10.1.2.4:443", "10.1.2.3", 443);
  ExpectParsed("unix:///run/x.sock", "/run/x.sock", 0);
}

TEST(Address, OddTextsStayAsTheyAre) {
  ExpectParsed("", "", 0);
  ExpectParsed("host:port", "host:port", 0);
  ExpectParsed("host:70000", "host:70000", 0);
  ExpectParsed("host:", "host:", 0);
  ExpectParsed(":", ":", 0);
  ExpectParsed("[", "[", 0);
}

}  // namespace
}  // namespace weft::observability
