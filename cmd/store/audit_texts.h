// The texts of the report for auditors, in its languages. `{name}` in a text is replaced by a value.
#pragma once

#include <string_view>

namespace gw::cmd {

struct AuditText {
  std::string_view id;
  std::string_view english, italian, german;
};

inline constexpr AuditText kAuditTexts[] = {
    {"title", "Monthly report of a mailbox", "Rapporto mensile di una casella",
     "Monatsbericht eines Postfachs"},
    {"mailbox", "Mailbox", "Casella", "Postfach"},
    {"period", "Period", "Periodo", "Zeitraum"},
    {"period.utc", "{month} (complete days in UTC)", "{month} (giorni interi in UTC)",
     "{month} (ganze Tage in UTC)"},
    {"made", "Report made", "Rapporto creato", "Bericht erstellt"},
    {"vault", "Vault", "Cassaforte", "Tresor"},

    {"state.good", "The history is complete and unchanged: it matches the signed checkpoint in this report.",
     "La cronologia è completa e inalterata: corrisponde al checkpoint firmato in questo rapporto.",
     "Der Verlauf ist vollständig und unverändert: Er stimmt mit dem signierten Checkpoint in diesem Bericht "
     "überein."},
    {"state.findings", "The history has contradictions. The numbers of this report cannot be relied on.",
     "La cronologia contiene contraddizioni. I numeri di questo rapporto non sono affidabili.",
     "Der Verlauf enthält Widersprüche. Die Zahlen dieses Berichts sind nicht verlässlich."},
    {"state.unsigned",
     "No checkpoint is signed: the keeper has no history key. Only the vault itself confirms these numbers.",
     "Nessun checkpoint firmato: il keeper non ha la chiave della cronologia. Solo la cassaforte stessa "
     "conferma questi numeri.",
     "Kein Checkpoint ist signiert: Der Keeper hat keinen Verlaufsschlüssel. Nur der Tresor selbst bestätigt "
     "diese Zahlen."},
    {"state.uncovered", "The checkpoint does not cover the last {count} entries of this period.",
     "Il checkpoint non copre le ultime {count} voci di questo periodo.",
     "Der Checkpoint deckt die letzten {count} Einträge dieses Zeitraums nicht ab."},
    {"state.running", "The period is not over: the report shows it up to the time when it was made.",
     "Il periodo non è concluso: il rapporto lo mostra fino al momento della creazione.",
     "Der Zeitraum ist noch nicht zu Ende: Der Bericht zeigt ihn bis zu seiner Erstellung."},
    {"state.gaps", "A loss was accepted in this period; see Gaps.",
     "In questo periodo è stata accettata una perdita; vedi Lacune.",
     "In diesem Zeitraum wurde ein Verlust akzeptiert; siehe Lücken."},

    {"balance", "What became of the messages", "Che cosa è stato dei messaggi", "Verbleib der Nachrichten"},
    {"balance.before", "In the vault at the start of the period", "Nella cassaforte all'inizio del periodo",
     "Zu Beginn des Zeitraums im Tresor"},
    {"balance.after", "In the vault at the end of the period", "Nella cassaforte alla fine del periodo",
     "Am Ende des Zeitraums im Tresor"},
    {"balance.now", "In the vault when the report was made", "Nella cassaforte alla creazione del rapporto",
     "Bei Erstellung des Berichts im Tresor"},
    {"accepted", "Accepted", "Accettati", "Angenommen"},
    {"drained", "Drained", "Prelevati", "Abgeholt"},
    {"exported", "Exported", "Esportati", "Exportiert"},
    {"removed", "Removed", "Eliminati", "Entfernt"},
    {"expired", "Expired", "Scaduti", "Abgelaufen"},
    {"discarded", "Discarded", "Scartati", "Verworfen"},
    {"undeleted", "Undeleted", "Recuperati", "Zurückgeholt"},
    {"quarantined", "Quarantined", "In quarantena", "In Quarantäne"},
    {"released", "Released", "Rilasciati", "Freigegeben"},
    {"refused", "Refused", "Rifiutati", "Abgelehnt"},
    {"removals", "Removed or expired", "Eliminati o scaduti", "Entfernt oder abgelaufen"},
    {"means.accepted", "stored durably and acknowledged to the sender; {bytes} in total",
     "conservati in modo duraturo e confermati al mittente; in totale {bytes}",
     "dauerhaft gespeichert und dem Absender bestätigt; insgesamt {bytes}"},
    {"means.drained", "fetched by the archive; kept in the vault for the grace period",
     "prelevati dall'archivio; restano nella cassaforte per il periodo di tolleranza",
     "vom Archiv abgeholt; bleiben während der Karenzzeit im Tresor"},
    {"means.exported", "copied or opened; the message stays", "copiati o aperti; il messaggio resta",
     "kopiert oder geöffnet; die Nachricht bleibt"},
    {"means.removed", "by an administrator, or drained from a mailbox without a grace period",
     "da un amministratore, o prelevati da una casella senza periodo di tolleranza",
     "durch einen Administrator, oder aus einem Postfach ohne Karenzzeit abgeholt"},
    {"means.expired", "drained before, and removed after the grace period",
     "prelevati in precedenza ed eliminati dopo il periodo di tolleranza",
     "zuvor abgeholt und nach der Karenzzeit entfernt"},
    {"means.discarded", "copies of gw-proxy whose original the provider refused",
     "copie di gw-proxy il cui originale è stato rifiutato dal provider",
     "Kopien von gw-proxy, deren Original der Anbieter abgelehnt hat"},
    {"means.undeleted", "drained, and brought back", "prelevati e poi recuperati",
     "abgeholt und zurückgeholt"},
    {"means.quarantined", "set aside; they stay in the vault", "messi da parte; restano nella cassaforte",
     "beiseitegelegt; sie bleiben im Tresor"},
    {"means.released", "brought back from quarantine", "tolti dalla quarantena", "aus der Quarantäne geholt"},
    {"means.refused", "sessions in which the sender received a permanent refusal; no message was accepted",
     "sessioni in cui il mittente ha ricevuto un rifiuto definitivo; nessun messaggio è stato accettato",
     "Sitzungen, in denen der Absender eine endgültige Ablehnung erhielt; keine Nachricht wurde angenommen"},

    {"chart", "Messages of each day", "Messaggi per giorno", "Nachrichten je Tag"},
    {"actors", "By whom", "Da chi", "Durch wen"},
    {"actors.who", "User, right and program, or address", "Utente, diritto e programma, o indirizzo",
     "Benutzer, Recht und Programm, oder Adresse"},
    {"actors.note",
     "The local user (uid) and the right come from the operating system and the vault; what follows is what "
     "the program said of itself and of its client. The entry `sweep` is the vault, at the end of a grace "
     "period.",
     "L'utente locale (uid) e il diritto provengono dal sistema operativo e dalla cassaforte; il resto è ciò "
     "che il programma ha dichiarato di sé e del suo client. La voce `sweep` è la cassaforte stessa, alla "
     "fine di un periodo di tolleranza.",
     "Der lokale Benutzer (uid) und das Recht stammen vom Betriebssystem und vom Tresor; danach steht, was "
     "das Programm über sich und seinen Client angegeben hat. Der Eintrag `sweep` ist der Tresor selbst, am "
     "Ende einer Karenzzeit."},
    {"others", "all others", "tutti gli altri", "alle übrigen"},
    {"none", "None in this period.", "Nessuna voce in questo periodo.", "Keine in diesem Zeitraum."},
    {"more", "{count} more are not listed.", "Altre {count} voci non sono elencate.",
     "{count} weitere sind nicht aufgeführt."},
    {"changes", "Changes of the mailbox", "Modifiche della casella", "Änderungen am Postfach"},
    {"gaps", "Gaps", "Lacune", "Lücken"},
    {"gaps.note",
     "A gap is a loss that an administrator accepted after damage to the vault. Messages from before it may "
     "be missing.",
     "Una lacuna è una perdita che un amministratore ha accettato dopo un danno alla cassaforte. Possono "
     "mancare messaggi precedenti.",
     "Eine Lücke ist ein Verlust, den ein Administrator nach einem Schaden am Tresor akzeptiert hat. "
     "Nachrichten von davor können fehlen."},
    {"time", "Time (UTC)", "Ora (UTC)", "Zeit (UTC)"},
    {"entry", "Entry", "Voce", "Eintrag"},
    {"type", "Type", "Tipo", "Art"},
    {"who", "By whom", "Da chi", "Durch wen"},
    {"size", "Entries", "Voci", "Einträge"},
    {"root", "Root hash", "Hash radice", "Wurzelhash"},
    {"result", "Result", "Risultato", "Ergebnis"},

    {"evidence", "Evidence", "Prove", "Nachweise"},
    {"evidence.entries", "Entries of this period", "Voci di questo periodo", "Einträge dieses Zeitraums"},
    {"evidence.range", "{count}: {first} to {last}; the checkpoint covers {covered}",
     "{count}: da {first} a {last}; il checkpoint ne copre {covered}",
     "{count}: {first} bis {last}; davon deckt der Checkpoint {covered} ab"},
    {"evidence.size", "History of the mailbox", "Cronologia della casella", "Verlauf des Postfachs"},
    {"evidence.size.text", "{count} entries, root hash", "{count} voci, hash radice",
     "{count} Einträge, Wurzelhash"},
    {"evidence.verifier", "Key that verifies the signature", "Chiave che verifica la firma",
     "Schlüssel, der die Signatur prüft"},
    {"evidence.note", "Signed checkpoint", "Checkpoint firmato", "Signierter Checkpoint"},
    {"evidence.unsigned", "none", "nessuno", "keiner"},
    {"evidence.timestamp", "Timestamp (RFC 3161)", "Marca temporale (RFC 3161)", "Zeitstempel (RFC 3161)"},
    {"evidence.timestamp.text", "The checkpoint existed at {time}, says the authority in the response below.",
     "Il checkpoint esisteva il {time}, secondo l'autorità nella risposta qui sotto.",
     "Der Checkpoint existierte am {time}, laut der Zeitstempelstelle in der Antwort unten."},
    {"evidence.untimed", "none", "nessuna", "keiner"},
    {"verifications", "Verifications of all messages in the vault",
     "Verifiche di tutti i messaggi nella cassaforte", "Prüfungen aller Nachrichten im Tresor"},
    {"checkpoints", "Checkpoints of this period", "Checkpoint di questo periodo",
     "Checkpoints dieses Zeitraums"},

    {"check", "How to check this report", "Come verificare questo rapporto", "So prüfen Sie diesen Bericht"},
    {"check.text",
     "You need Python 3 and the program verify-proof, one file that uses only Python's standard library. It "
     "needs no access to the vault and no password. Use the key that you received when the vault was set up "
     "(gw-store checkpoint --public-key) and not the one in this report.",
     "Servono Python 3 e il programma verify-proof, un solo file che usa soltanto la libreria standard di "
     "Python. Non richiede accesso alla cassaforte né password. Usa la chiave ricevuta alla creazione della "
     "cassaforte (gw-store checkpoint --public-key) e non quella di questo rapporto.",
     "Sie brauchen Python 3 und das Programm verify-proof, eine einzelne Datei, die nur die "
     "Standardbibliothek von Python benutzt. Es braucht weder Zugang zum Tresor noch ein Passwort. Verwenden "
     "Sie den Schlüssel, den Sie beim Einrichten des Tresors erhalten haben (gw-store checkpoint "
     "--public-key), und nicht den in diesem Bericht."},
    {"check.signature",
     "1. Check that the signed checkpoint covers the history that this report was counted from:",
     "1. Verifica che il checkpoint firmato copra la cronologia su cui si basa questo rapporto:",
     "1. Prüfen Sie, dass der signierte Checkpoint den Verlauf abdeckt, aus dem dieser Bericht gezählt "
     "wurde:"},
    {"check.pdf",
     "This file has no form that a program can read. Ask the operator for the same report as HTML or JSON.",
     "Questo file non è leggibile da un programma. Chiedi al gestore lo stesso rapporto in HTML o JSON.",
     "Diese Datei ist für ein Programm nicht lesbar. Bitten Sie den Betreiber um denselben Bericht als HTML "
     "oder JSON."},
    {"check.count",
     "2. Count again. Ask the operator for the entries of the history, which contain no mail, and pass them "
     "on:",
     "2. Ripeti il conteggio. Chiedi al gestore le voci della cronologia, che non contengono posta, e "
     "passale al programma:",
     "2. Zählen Sie nach. Bitten Sie den Betreiber um die Einträge des Verlaufs, die keine E-Mails "
     "enthalten, "
     "und übergeben Sie sie:"},
    {"check.operator", "The operator makes both files with:", "Il gestore crea entrambi i file con:",
     "Der Betreiber erstellt beide Dateien mit:"},
    {"check.timestamp", "3. Check the timestamp with the certificate of the authority that issued it:",
     "3. Verifica la marca temporale con il certificato dell'autorità che l'ha emessa:",
     "3. Prüfen Sie den Zeitstempel mit dem Zertifikat der Stelle, die ihn ausgestellt hat:"},
};

// Month names, January first.
inline constexpr std::string_view kAuditMonths[3][12] = {
    {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
     "November", "December"},
    {"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
     "novembre", "dicembre"},
    {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
     "November", "Dezember"},
};

}  // namespace gw::cmd
