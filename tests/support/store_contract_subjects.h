// The subjects of the contract: each function is the content of one test case. The table in
// store_contract_table.cc has their titles.
#pragma once

#include "support/store_contract.h"

namespace gw::store::contract {

void mailboxes(const Make& make);
void addresses(const Make& make);
void records(const Make& make);
void messages(const Make& make);
void transitions(const Make& make);
void pending(const Make& make);
void leases(const Make& make);
void quota(const Make& make);
void histories(const Make& make);
void grace(const Make& make);
void receipts(const Make& make);
void purges(const Make& make);
void server_stats(const Make& make);
void big(const Make& make);

// With several clients of one storage.
void racing_deliveries(const MakeShared& make);
void drain_beside_deliveries(const MakeShared& make);
void lease_taken_over(const MakeShared& make);
void racing_records(const MakeShared& make);
void changed_password(const MakeShared& make);
void pending_of_others(const MakeShared& make);

}  // namespace gw::store::contract
