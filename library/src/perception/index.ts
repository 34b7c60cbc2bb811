/** Bodies: where their joints are, and what is known of them. */

export * from "./body-constraints.ts";
export * from "./kinematics.ts";
