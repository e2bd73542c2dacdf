// Errors of connections and certificates in the reader's language: those of probes, test deliveries
// and server statistics, which libraries and the operating system write in English.
#pragma once

#include <string_view>

#include "web/context.h"
#include "web/strings/strings.h"
#include "web/ui/html.h"

namespace gw::web {

// Returns the text for an English error: that of the cause that it names, or `trouble.other`.
Text trouble_word(std::string_view error);

// Returns the error in the reader's language, with the original below it, folded up. In English, the
// error itself.
Html trouble_text(const Context& context, std::string_view error);

}  // namespace gw::web
