import {FormDialog} from "./formdialog.js";

/** @param {import("./account.js").Account} account @param {() => void} done */
export function askForPassword(account, done) {
  new FormDialog({
    title: "Change your password",
    about: "All your other devices are logged out.",
    fields: [
      {name: "old", label: "Your password now", kind: "password", autocomplete: "current-password",
        required: "Your present password is needed."},
      {name: "wanted", label: "The new one", kind: "password", autocomplete: "new-password",
        hint: "At least 8 characters.", required: "A new password is needed."},
    ],
    action: "Change password",
    blame: ({code}) => (code === "bad_request" ? "wanted" : "old"),
    submit: async ({old, wanted}) => {
      await account.changePassword(old, wanted);
      done();
    },
  }).show();
}

/** @param {(password: string) => Promise<void>} remove */
export function askToDelete(remove) {
  new FormDialog({
    title: "Delete your account?",
    about: "Your messages stay, without your name. This cannot be taken back.",
    fields: [{name: "password", label: "Your password", kind: "password",
      autocomplete: "current-password", required: "Your password is needed."}],
    action: "Delete account",
    danger: true,
    blame: () => "password",
    submit: ({password}) => remove(password),
  }).show();
}
