// Splits gRPC's names of peers and targets for span attributes.
#ifndef WEFT_PLATFORM_OBSERVABILITY_TRACING_ADDRESS_H_
#define WEFT_PLATFORM_OBSERVABILITY_TRACING_ADDRESS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weft::observability {

struct Address {
  std::string host;  // a name, an IP address, or the path of a Unix socket
  int port = 0;      // 0: none
};

// Understands peers ("ipv4:10.1.2.3:41234", "ipv6:%5B::1%5D:41234", "unix:/run/x") and targets
// ("dns:///catalog:50051", "catalog:50051", "[::1]:50051", "ipv4:10.1.2.3:443,10.1.2.4:443": the
// first). What it does not understand becomes the host as it stands.
Address ParseAddress(absl::string_view text);

}  // namespace weft::observability

#endif  // WEFT_PLATFORM_OBSERVABILITY_TRACING_ADDRESS_H_
