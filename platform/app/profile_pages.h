// CPU profiles by HTTP, for people and for pprof:
//
//   curl -o cpu.prof 'HOST:PORT/debug/profile?seconds=30' && google-pprof --text PROGRAM cpu.prof
//   google-pprof --text --seconds=30 http://HOST:PORT        no program needed: names come from
//   here
//
//   /debug/profile    a CPU profile of seconds= (1 to 300, 30 if there is none) at hz= (1 to 250,
//                     100) samples a second of CPU time. In a browser, without seconds=, a page
//                     that says how to read one, with a button
//   /pprof/profile    the same, where gperftools' and Go's pprof look for it
//   /pprof/symbol     names of functions: POST of "0x1234+0x5678"; see gperftools'
//                     pprof_remote_servers.html
//   /pprof/cmdline    the program's path. Not its arguments, as that page has it: they may hold
//                     secrets
//
// A profile takes one of the admin server's threads for its time. Whether its client has gone is
// not seen before: CivetWeb tells it only of what is written.
#ifndef WEFT_PLATFORM_APP_PROFILE_PAGES_H_
#define WEFT_PLATFORM_APP_PROFILE_PAGES_H_

#include <string>
#include <utility>
#include <vector>

#include "platform/app/admin_request.h"
#include "platform/app/admin_server.h"
#include "platform/observability/profiling/cpu_profile.h"

namespace weft::app {

// Of a question for names; some 50 000 addresses.
inline constexpr int kMaxSymbolRequestBytes = 1024 * 1024;

class ProfilePages {
 public:
  // `service` is in the name under which a browser saves a profile.
  explicit ProfilePages(std::string service) : service_(std::move(service)) {}

  std::vector<AdminPage> Pages();

  // Ends a profile that is being taken, so that the admin server need not wait for its end; later
  // ones are refused. Any thread.
  void Stop() { profiles_.Stop(); }

  // GET /debug/profile. Blocks the thread for as long as the profile takes. 400 for what is wrong
  // with the parameters, 409 while another profile is taken, 503 after Stop() or when the program
  // has a profiler of its own.
  AdminReply Profile(const AdminRequest& request);

  // GET: whether there are names. POST: those of the addresses in the body; the address itself
  // where there is none. Blocks the thread for up to seconds, the first time: it reads the symbol
  // tables. 413 for a body of kMaxSymbolRequestBytes or more.
  AdminReply Symbols(const AdminRequest& request) const;

 private:
  const std::string service_;
  observability::CpuProfiles profiles_;
};

}  // namespace weft::app

#endif  // WEFT_PLATFORM_APP_PROFILE_PAGES_H_
