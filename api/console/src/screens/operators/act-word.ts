// Entries of the audit log in words.

/** `activate-plugin` as `Activate plugin`. */
export function actWord(action: string): string {
  const words = action.replaceAll(/[-_.]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
