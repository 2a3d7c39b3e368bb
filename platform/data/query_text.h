// The text of a query as it may be told to others: in spans, in logs.
#ifndef WEFT_PLATFORM_DATA_QUERY_TEXT_H_
#define WEFT_PLATFORM_DATA_QUERY_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weft::data {

// `sql` without what may be somebody's data: each literal (text, blob, number) is "?", comments are
// left out, and blanks are one. Parameters ("?1", ":sku", "$1"), names and keywords stay. Made for
// SQL as SQLite and PostgreSQL have it; what is not understood is rather left out than told.
std::string QueryText(absl::string_view sql);

}  // namespace weft::data

#endif  // WEFT_PLATFORM_DATA_QUERY_TEXT_H_
