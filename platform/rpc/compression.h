// Compression of messages (gRPC's protocol page "compression.md"): each call names one encoding,
// each message says whether it is encoded. Both sides always understand what the other one
// compresses; nothing is compressed unless this side asks for it.
//
// It pays for long texts over slow networks. Compressing 100 KiB takes about a millisecond of the
// shard's time, in which no other fiber runs.
#ifndef WEFT_PLATFORM_RPC_COMPRESSION_H_
#define WEFT_PLATFORM_RPC_COMPRESSION_H_

namespace weft::rpc {

// What a client's messages are compressed with. A server that does not know it answers
// UNIMPLEMENTED; every gRPC implementation knows gzip.
enum class Compression { kNone, kDeflate, kGzip };

// How one message of a stream is sent.
struct WriteOptions {
  // False: as it is, in a call that is compressed. For what is compressed already, and for secrets
  // next to text that an attacker chooses (the CRIME attack).
  bool compress = true;
};

}  // namespace weft::rpc

#endif  // WEFT_PLATFORM_RPC_COMPRESSION_H_
