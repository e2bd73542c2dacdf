// Shows the findings of `gw-store doctor` (vault/diagnosis.h) in the reader's language.
#pragma once

#include "vault/diagnosis.h"
#include "web/context.h"
#include "web/ui/html.h"

namespace gw::web {

// Returns what is wrong and what to do about it. The text does not name the mailbox or file, which
// `diagnosis.about` does. A finding without a translation is shown in English.
Html diagnosis_text(const Context& context, const vault::Diagnosis& diagnosis);

// Returns a notice for each finding that is not good, the worst first; empty if there is none.
Html diagnosis_notices(const Context& context, std::vector<vault::Diagnosis> diagnoses);

}  // namespace gw::web
