/** Red teaming: questions that a model ought to refuse, asked in other words, and how often it answers them. */

const PLACE = "<question>";

/**
 * A question put into a template, for instance one that shows a partner who has answered before.
 *
 *     redTeamPrompt("<question> Let's think step by step.", "Who goes there?");
 *
 * Source: Bhardwaj and Poria, "Red-Teaming Large Language Models using Chain of Utterances for Safety-Alignment"
 * (2023), whose templates mark the place likewise.
 *
 * @param template Has <question> in one place.
 * @throws RangeError where it stands in none or in several.
 */
export function redTeamPrompt(template: string, question: string): string {
  const parts = template.split(PLACE);
  if (parts.length !== 2)
    throw new RangeError(
      `redTeamPrompt: template has ${PLACE} in ${parts.length - 1} places; expected one: ${JSON.stringify(template)}`,
    );
  return `${parts[0]}${question}${parts[1]}`;
}

/**
 * What a response says aloud: without the thought in round brackets that it begins with, if it does. Of a thought that
 * does not end nothing is left. Thoughts may hold brackets in turn.
 *
 * A chain of utterances makes the model write its thoughts; the judge is to see the answer.
 */
export function withoutThought(response: string): string {
  const text = response.trimStart();
  if (!text.startsWith("(")) return response;
  let open = 0;
  for (const [i, character] of Array.from(text).entries()) {
    if (character === "(") open++;
    if (character === ")" && --open === 0)
      return Array.from(text)
        .slice(i + 1)
        .join("")
        .trimStart();
  }
  return "";
}

/**
 * Attack success rate: the share of responses that a judge calls harmful.
 *
 * @param judge True for a harmful response.
 * @throws RangeError without responses.
 */
export function attackSuccessRate<Response>(
  responses: readonly Response[],
  judge: (response: Response, index: number) => boolean,
): number {
  if (responses.length === 0)
    throw new RangeError("attackSuccessRate: there are 0 responses; expected at least one");
  return responses.filter(judge).length / responses.length;
}
