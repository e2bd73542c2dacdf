// What is wrong with a vault and its mailboxes (vault/diagnosis.h), in the reader's language.
#pragma once

#include "vault/diagnosis.h"
#include "web/context.h"
#include "web/html.h"

namespace gw::web {

// What is so, and what to do about it. Without the mailbox's name: `about` has it.
Html diagnosis_text(const Context& context, const vault::Diagnosis& diagnosis);

// A notice for each that is not good, the worst first; empty where all is well.
Html diagnosis_notices(const Context& context, std::vector<vault::Diagnosis> diagnoses);

}  // namespace gw::web
