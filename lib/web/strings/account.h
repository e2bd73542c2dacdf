// Texts of the sign-in page, of the page on a user's own account, and of the pages on all accounts
// of the console. word_table.h explains the columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

// The texts of sign-in say the same for an unknown account, a wrong password and a wrong code, so
// that they do not reveal which accounts exist. Keep them so.
inline constexpr Word kAccountWords[] = {
    {"sign-in.title", "Sign in", "Accedi", "Anmelden"},
    {"sign-in.name", "Account", "Account", "Konto"},
    {"sign-in.password", "Password", "Password", "Passwort"},
    {"sign-in.do", "Sign in", "Accedi", "Anmelden"},
    {"sign-in.code", "Code of your second factor", "Codice del secondo fattore",
     "Code Ihres zweiten Faktors"},
    {"sign-in.code.help", "Six digits. Leave it empty if your account has none.",
     "Sei cifre. Lascia vuoto se il tuo account non lo prevede.",
     "Sechs Ziffern. Lassen Sie das Feld leer, wenn Ihr Konto keinen hat."},
    {"sign-in.wrong", "Account, password or code is not right.", "Account, password o codice non corretti.",
     "Konto, Passwort oder Code stimmt nicht."},
    {"sign-in.ended", "Your session has ended. Sign in again.", "La sessione è terminata. Accedi di nuovo.",
     "Ihre Sitzung ist zu Ende. Melden Sie sich erneut an."},
    {"sign-in.plain", "This connection is not encrypted.", "Questa connessione non è cifrata.",
     "Diese Verbindung ist nicht verschlüsselt."},
    {"account.title", "Your account", "Il tuo account", "Ihr Konto"},
    {"account.role", "Role", "Ruolo", "Rolle"},
    {"account.only", "Mailboxes and routes", "Caselle e percorsi", "Postfächer und Routen"},
    {"account.only.all", "all", "tutti", "alle"},
    {"account.password-since", "Password since", "Password dal", "Passwort seit"},
    {"account.password", "Password", "Password", "Passwort"},
    {"account.password.old", "Present password", "Password attuale", "Bisheriges Passwort"},
    {"account.password.new", "New password", "Nuova password", "Neues Passwort"},
    {"account.password.again", "New password, once more", "Nuova password, di nuovo",
     "Neues Passwort, noch einmal"},
    {"account.password.help", "At least 16 characters.", "Almeno 16 caratteri.", "Mindestens 16 Zeichen."},
    {"account.password.do", "Change the password", "Cambia la password", "Passwort ändern"},
    {"account.password.differ", "The two new passwords are not the same.",
     "Le due nuove password non coincidono.", "Die beiden neuen Passwörter sind nicht gleich."},
    {"account.password.wrong", "This is not your password.", "Questa non è la tua password.",
     "Das ist nicht Ihr Passwort."},
    {"account.totp", "Second factor", "Secondo fattore", "Zweiter Faktor"},
    {"account.totp.off",
     "Your password alone opens this account. With a second factor signing in also asks for a code that an "
     "authenticator app on your phone shows.",
     "Per accedere basta la password. Con un secondo fattore viene richiesto anche un codice mostrato da "
     "un'app di "
     "autenticazione sul telefono.",
     "Zum Anmelden genügt Ihr Passwort. Mit einem zweiten Faktor wird auch ein Code verlangt, den eine "
     "Authenticator-App auf Ihrem Telefon anzeigt."},
    {"account.totp.on", "Signing in also asks for the code of your authenticator app.",
     "Per accedere viene richiesto anche il codice dell'app di autenticazione.",
     "Beim Anmelden wird auch der Code Ihrer Authenticator-App verlangt."},
    {"account.totp.begin", "Set up a second factor", "Imposta un secondo fattore",
     "Zweiten Faktor einrichten"},
    {"account.totp.remove", "Remove the second factor", "Rimuovi il secondo fattore",
     "Zweiten Faktor entfernen"},
    {"account.totp.scan", "Scan the picture", "Inquadra l'immagine", "Bild einlesen"},
    {"account.totp.scan.help", "Open your authenticator app and let it read this picture.",
     "Apri l'app di autenticazione e inquadra questa immagine.",
     "Öffnen Sie Ihre Authenticator-App, und lassen Sie sie dieses Bild lesen."},
    {"account.totp.picture", "QR code of the second factor's secret",
     "Codice QR con il segreto del secondo fattore", "QR-Code mit dem Geheimnis des zweiten Faktors"},
    {"account.totp.by-hand",
     "Or type this into it:", "Oppure digita questo codice:", "Oder tippen Sie dies ein:"},
    {"account.totp.confirm", "Confirm that it works", "Conferma che funziona", "Bestätigen, dass es geht"},
    {"account.totp.confirm.do", "Switch it on", "Attiva", "Einschalten"},
    {"account.totp.code", "Code that the app shows", "Codice mostrato dall'app", "Code, den die App anzeigt"},
    {"account.totp.wrong", "This is not the code that the app shows now.",
     "Questo non è il codice mostrato ora dall'app.", "Das ist nicht der Code, den die App jetzt anzeigt."},
    {"account.language.browser", "as the browser asks", "come richiesto dal browser",
     "wie der Browser es wünscht"},
    {"language.en", "English", "English", "English"},
    {"language.it", "Italiano", "Italiano", "Italiano"},
    {"language.de", "Deutsch", "Deutsch", "Deutsch"},
    {"notice.totp-on", "The second factor is on.", "Il secondo fattore è attivo.",
     "Der zweite Faktor ist an."},
    {"notice.totp-off", "The second factor is off.", "Il secondo fattore non è più attivo.",
     "Der zweite Faktor ist aus."},

    // The pages on all accounts, for administrators who see everything.
    {"administrators.add", "Add an account", "Aggiungi un account", "Konto hinzufügen"},
    {"administrators.status", "Status", "Stato", "Status"},
    {"administrators.active", "active", "attivo", "aktiv"},
    {"administrators.disabled", "disabled", "disattivato", "gesperrt"},
    {"administrators.enable", "Enable", "Riattiva", "Freigeben"},
    {"administrators.disable", "Disable", "Disattiva", "Sperren"},
    {"administrators.access", "Access", "Accesso", "Zugang"},
    {"administrators.access.help", "A disabled account cannot sign in. Its sessions end at once.",
     "Un account disattivato non può accedere. Le sue sessioni terminano subito.",
     "Ein gesperrtes Konto kann sich nicht anmelden. Seine Sitzungen enden sofort."},
    {"administrators.name.help", "Small letters, digits, and . _ - ; at most 64.",
     "Lettere minuscole, cifre e . _ - ; al massimo 64.",
     "Kleine Buchstaben, Ziffern und . _ - ; höchstens 64."},
    {"administrators.exists", "There is an account of this name already.",
     "Esiste già un account con questo nome.", "Es gibt schon ein Konto mit diesem Namen."},
    {"administrators.role.help",
     "A viewer looks. An operator also works on mailboxes, messages and routes. An administrator also on "
     "accounts.",
     "Un osservatore guarda soltanto. Un operatore gestisce anche caselle, messaggi e percorsi. Un "
     "amministratore "
     "anche gli account.",
     "Ein Betrachter sieht nur. Ein Operator arbeitet auch an Postfächern, Nachrichten und Routen, ein "
     "Administrator auch an Konten."},
    {"administrators.only.help",
     "Patterns of names, one a line, as sales-* : the account then knows of no other. Empty: all.",
     "Modelli di nomi, uno per riga, come sales-* : l'account non vedrà altro. Vuoto: tutti.",
     "Muster von Namen, eines je Zeile, wie sales-* : Andere sieht das Konto dann nicht. Leer: alle."},
    {"administrators.only.wrong", "Patterns have small letters, digits, . _ - and * only.",
     "I modelli contengono solo lettere minuscole, cifre, . _ - e *.",
     "Muster haben nur kleine Buchstaben, Ziffern, . _ - und *."},
    {"administrators.reset", "Give it a new password", "Assegna una nuova password",
     "Neues Passwort vergeben"},
    {"administrators.reset.help", "The account gets a new password. Its sessions end.",
     "L'account riceve una nuova password. Le sue sessioni terminano.",
     "Das Konto bekommt ein neues Passwort. Seine Sitzungen enden."},
    {"administrators.reset.totp", "Its second factor goes too, and can be set up anew after signing in.",
     "Anche il secondo fattore viene rimosso; si potrà impostarlo di nuovo dopo l'accesso.",
     "Sein zweiter Faktor geht mit, und kann nach dem Anmelden neu eingerichtet werden."},
    {"administrators.password-of", "Password of {name}", "Password di {name}", "Passwort von {name}"},
    {"administrators.last", "This is the last account that may do everything here; it stays as it is.",
     "È l'ultimo account che può fare tutto qui; resta com'è.",
     "Das ist das letzte Konto, das hier alles darf; es bleibt, wie es ist."},

    // The menu of the top bar.
    {"sign-out.do", "Sign out", "Esci", "Abmelden"},
};

}  // namespace gw::web
